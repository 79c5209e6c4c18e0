//! WebSocket framing (RFC 6455, section 5) of a byte stream, seen from the server.
//!
//! MQTT over WebSocket is a stream: packets may be split over or merged in
//! WebSocket messages (OASIS MQTT 5.0, section 6). So nothing is assembled here:
//! payload bytes are unmasked where they were received and handed on as they come,
//! and a message's announced length never reserves memory.

use std::io::Cursor;

use tungstenite::protocol::frame::FrameHeader;
use tungstenite::protocol::frame::coding::{Control, Data, OpCode};

/// The longest header a server sends: it never masks.
pub(crate) const LONGEST_HEADER: usize = 10;

/// The longest payload of a control frame (RFC 6455, section 5.5).
const LONGEST_CONTROL: u64 = 125;

/// Close codes the station sends (RFC 6455, section 7.4.1).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[repr(u16)]
pub(crate) enum CloseCode {
    /// The MQTT session ended.
    Normal = 1000,
    /// The station stops.
    GoingAway = 1001,
    /// The peer broke the framing.
    Protocol = 1002,
    /// The peer sent text; MQTT travels in binary frames only.
    Unsupported = 1003,
}

/// The outcome of one step of [`FrameReader::read`].
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Step {
    /// So many payload bytes were written to the output.
    Payload(usize),
    /// The peer asks for an answer with the same content.
    Ping(Vec<u8>),
    /// The peer closes.
    Close,
    /// A frame without anything for the broker has ended.
    Skipped,
    /// Everything given was consumed, or a header is still incomplete.
    NeedMore,
}

/// A violation of the framing, answered with a close code.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
#[error("{text}")]
pub(crate) struct FrameError {
    pub(crate) code: CloseCode,
    text: &'static str,
}

/// Takes the framing off what a client sends.
#[derive(Debug, Default)]
pub(crate) struct FrameReader {
    frame: Option<OpenFrame>,
    /// A message is unfinished: only continuation frames may carry data.
    fragmented: bool,
    /// Frames that began since [`FrameReader::take_begun`].
    begun: u32,
}

#[derive(Debug)]
struct OpenFrame {
    kind: Kind,
    left: u64,
    mask: [u8; 4],
}

#[derive(Debug)]
enum Kind {
    Data,
    Ping(Vec<u8>),
    Pong,
    Close,
}

impl FrameReader {
    /// How many frames began since the last time.
    pub(crate) fn take_begun(&mut self) -> u32 {
        std::mem::take(&mut self.begun)
    }

    /// Takes one step through `input`: returns what it found and how many bytes
    /// of `input` it used up. Payload is unmasked into `output`.
    ///
    /// # Errors
    /// [`FrameError`] when the peer breaks RFC 6455; nothing more can be read then.
    pub(crate) fn read(
        &mut self,
        input: &[u8],
        output: &mut [u8],
    ) -> Result<(Step, usize), FrameError> {
        let mut used = 0;
        loop {
            let rest = &input[used..];
            let Some(frame) = &mut self.frame else {
                match parse_header(rest)? {
                    Some((header, length, header_len)) => {
                        self.frame = self.open(&header, length)?;
                        self.begun = self.begun.saturating_add(1);
                        used += header_len;
                        continue;
                    }
                    None => return Ok((Step::NeedMore, used)),
                }
            };
            if frame.left == 0 {
                match self.frame.take().map(|frame| frame.kind) {
                    Some(Kind::Ping(content)) => return Ok((Step::Ping(content), used)),
                    Some(Kind::Close) => return Ok((Step::Close, used)),
                    Some(Kind::Data | Kind::Pong) | None => return Ok((Step::Skipped, used)),
                }
            }
            if rest.is_empty() {
                return Ok((Step::NeedMore, used));
            }
            let available = frame
                .left
                .min(u64::try_from(rest.len()).unwrap_or(u64::MAX));
            let available = usize::try_from(available).unwrap_or(rest.len());
            match &mut frame.kind {
                Kind::Data => {
                    let count = available.min(output.len());
                    frame.unmask(&rest[..count], &mut output[..count]);
                    return Ok((Step::Payload(count), used + count));
                }
                Kind::Ping(content) => {
                    let from = content.len();
                    content.resize(from + available, 0);
                    let mut unmasked = std::mem::take(content);
                    frame.unmask(&rest[..available], &mut unmasked[from..]);
                    frame.kind = Kind::Ping(unmasked);
                }
                Kind::Pong | Kind::Close => frame.skip(available),
            }
            used += available;
        }
    }

    fn open(&mut self, header: &FrameHeader, length: u64) -> Result<Option<OpenFrame>, FrameError> {
        if header.rsv1 || header.rsv2 || header.rsv3 {
            return Err(protocol("a reserved bit is set without an extension"));
        }
        let Some(mask) = header.mask else {
            return Err(protocol("a client's frame is not masked"));
        };
        let kind = match header.opcode {
            OpCode::Control(control) => {
                if !header.is_final || length > LONGEST_CONTROL {
                    return Err(protocol("a control frame is fragmented or too long"));
                }
                match control {
                    Control::Close => Kind::Close,
                    Control::Ping => Kind::Ping(Vec::new()),
                    Control::Pong => Kind::Pong,
                    Control::Reserved(_) => return Err(protocol("an unknown control frame")),
                }
            }
            OpCode::Data(data) => {
                let continues = data == Data::Continue;
                if continues != self.fragmented {
                    return Err(protocol("a message's fragments are out of order"));
                }
                if data == Data::Text {
                    return Err(FrameError {
                        code: CloseCode::Unsupported,
                        text: "MQTT travels in binary frames, this one is text",
                    });
                }
                self.fragmented = !header.is_final;
                Kind::Data
            }
        };
        Ok(Some(OpenFrame {
            kind,
            left: length,
            mask,
        }))
    }
}

impl OpenFrame {
    fn unmask(&mut self, masked: &[u8], output: &mut [u8]) {
        // Copying first and then XORing eight bytes at a time compiles to wide
        // instructions; a byte-wise loop over both slices does not.
        output.copy_from_slice(masked);
        let [a, b, c, d] = self.mask;
        let wide = u64::from_ne_bytes([a, b, c, d, a, b, c, d]);
        let mut words = output.chunks_exact_mut(8);
        for word in &mut words {
            if let Ok(bytes) = <[u8; 8]>::try_from(&*word) {
                word.copy_from_slice(&(u64::from_ne_bytes(bytes) ^ wide).to_ne_bytes());
            }
        }
        for (byte, mask) in words
            .into_remainder()
            .iter_mut()
            .zip(self.mask.into_iter().cycle())
        {
            *byte ^= mask;
        }
        // A u64 holds the mask twice, so only bytes past the last word can turn it.
        self.mask.rotate_left(masked.len() % 4);
        self.skip(masked.len());
    }

    fn skip(&mut self, count: usize) {
        self.left = self
            .left
            .saturating_sub(u64::try_from(count).unwrap_or(u64::MAX));
    }
}

/// Writes the header of an unfragmented binary message of `length` bytes into
/// `header` and gives the part that is used.
pub(crate) fn binary_header(length: usize, header: &mut [u8; LONGEST_HEADER]) -> &[u8] {
    header[0] = 0x82;
    if let Ok(short) = u8::try_from(length)
        && short < 126
    {
        header[1] = short;
        return &header[..2];
    }
    if let Ok(medium) = u16::try_from(length) {
        header[1] = 126;
        header[2..4].copy_from_slice(&medium.to_be_bytes());
        return &header[..4];
    }
    header[1] = 127;
    let long = u64::try_from(length).unwrap_or(u64::MAX);
    header[2..10].copy_from_slice(&long.to_be_bytes());
    &header[..10]
}

/// The answer to a ping of up to 125 bytes.
pub(crate) fn pong(content: &[u8]) -> Vec<u8> {
    let content = &content[..content.len().min(125)];
    let mut frame = vec![0x8A, content.len() as u8];
    frame.extend_from_slice(content);
    frame
}

/// A close frame without a reason text.
pub(crate) fn close(code: CloseCode) -> Vec<u8> {
    let [high, low] = (code as u16).to_be_bytes();
    vec![0x88, 2, high, low]
}

fn parse_header(input: &[u8]) -> Result<Option<(FrameHeader, u64, usize)>, FrameError> {
    let mut cursor = Cursor::new(input);
    match FrameHeader::parse(&mut cursor) {
        Ok(Some((header, length))) => {
            let used = usize::try_from(cursor.position()).unwrap_or(input.len());
            Ok(Some((header, length, used)))
        }
        Ok(None) => Ok(None),
        Err(_) => Err(protocol("an unknown kind of frame")),
    }
}

fn protocol(text: &'static str) -> FrameError {
    FrameError {
        code: CloseCode::Protocol,
        text,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const MASK: [u8; 4] = [0x37, 0xFA, 0x21, 0x3D];

    fn client_frame(first: u8, payload: &[u8]) -> Vec<u8> {
        let mut frame = vec![first];
        match payload.len() {
            short @ 0..126 => frame.push(0x80 | short as u8),
            medium @ 126..65_536 => {
                frame.push(0x80 | 126);
                frame.extend_from_slice(&(medium as u16).to_be_bytes());
            }
            long => {
                frame.push(0x80 | 127);
                frame.extend_from_slice(&(long as u64).to_be_bytes());
            }
        }
        frame.extend_from_slice(&MASK);
        frame.extend(payload.iter().zip(MASK.iter().cycle()).map(|(b, m)| b ^ m));
        frame
    }

    /// Feeds `input` in pieces of `size` and collects payload and other steps.
    fn read_all(
        input: &[u8],
        size: usize,
        room: usize,
    ) -> Result<(Vec<u8>, Vec<Step>), FrameError> {
        let mut reader = FrameReader::default();
        let mut pending = Vec::new();
        let (mut payload, mut steps) = (Vec::new(), Vec::new());
        for piece in input.chunks(size) {
            pending.extend_from_slice(piece);
            loop {
                let mut output = vec![0; room];
                let (step, used) = reader.read(&pending, &mut output)?;
                pending.drain(..used);
                match step {
                    Step::NeedMore => break,
                    Step::Skipped => {}
                    Step::Payload(count) => payload.extend_from_slice(&output[..count]),
                    other => steps.push(other),
                }
            }
        }
        Ok((payload, steps))
    }

    #[test]
    fn payload_survives_every_split_and_every_output_size() {
        for length in [0_usize, 1, 5, 125, 126, 300, 65_535, 65_536, 70_001] {
            let sent: Vec<u8> = (0..length).map(|i| (i % 251) as u8).collect();
            let frame = client_frame(0x82, &sent);
            for (size, room) in [(1, 4096), (7, 3), (4096, 4096), (frame.len(), 9)] {
                let (received, steps) = read_all(&frame, size, room).unwrap();
                assert!(received == sent, "{length} bytes in pieces of {size}");
                assert!(steps.is_empty());
            }
        }
    }

    #[test]
    fn fragments_and_control_frames_between_them_are_understood() {
        let mut input = client_frame(0x02, b"one ");
        input.extend(client_frame(0x89, b"are you there"));
        input.extend(client_frame(0x00, b"two "));
        input.extend(client_frame(0x8A, b"unasked"));
        input.extend(client_frame(0x80, b"three"));
        input.extend(client_frame(0x88, &[3, 232]));
        for size in [1, 2, 5, input.len()] {
            let (payload, steps) = read_all(&input, size, 100).unwrap();
            assert_eq!(payload, b"one two three");
            assert_eq!(steps, [Step::Ping(b"are you there".to_vec()), Step::Close]);
        }
    }

    #[test]
    fn violations_are_refused_with_the_right_code() {
        let unmasked = [0x82, 1, 0];
        let long_ping = client_frame(0x89, &[0; 126]);
        for (input, code) in [
            (client_frame(0x81, b"text"), CloseCode::Unsupported),
            (client_frame(0xC2, b"rsv1"), CloseCode::Protocol),
            (client_frame(0x80, b"stray"), CloseCode::Protocol),
            (client_frame(0x83, b"reserved"), CloseCode::Protocol),
            (client_frame(0x09, b"split ping"), CloseCode::Protocol),
            (unmasked.to_vec(), CloseCode::Protocol),
            (long_ping, CloseCode::Protocol),
        ] {
            assert_eq!(read_all(&input, 64, 64).unwrap_err().code, code);
        }
    }

    #[test]
    fn headers_of_all_three_lengths_are_what_a_client_expects() {
        for length in [0_usize, 125, 126, 65_535, 65_536, 300_000] {
            let mut buffer = [0; LONGEST_HEADER];
            let header = binary_header(length, &mut buffer);
            let (parsed, announced) = FrameHeader::parse(&mut Cursor::new(header))
                .unwrap()
                .unwrap();
            assert_eq!(announced, length as u64);
            assert!(parsed.is_final && parsed.mask.is_none());
            assert_eq!(parsed.opcode, OpCode::Data(Data::Binary));
        }
        assert_eq!(pong(b"hi"), [0x8A, 2, b'h', b'i']);
        assert_eq!(close(CloseCode::GoingAway), [0x88, 2, 3, 233]);
    }
}
