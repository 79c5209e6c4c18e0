//! The reason that a filter was refused. The broker's crate has one word for it, 0x87: not allowed. A
//! client that has only too many filters is told 0x97, so that it tries again when it needs fewer.

use super::inspector::variable;

const NOT_ALLOWED: u8 = 0x87;
const TOO_MANY: u8 = 0x97;

/// The SUBACK (MQTT 5, section 3.9) with the right reasons, if any are wrong. `refused` are the
/// filters that were not allowed, in order: true where there are too many of them.
pub(crate) fn with_quota(packet: &[u8], refused: &[bool]) -> Option<Vec<u8>> {
    if !refused.contains(&true) {
        return None;
    }
    let (_, digits) = variable(packet.get(1..)?)?;
    // The packet identifier comes before the properties.
    let properties = 1 + digits + 2;
    let (length, digits) = variable(packet.get(properties..)?)?;
    let mut answer = packet.to_vec();
    let reasons = answer.get_mut(properties + digits + length..)?;
    let not_allowed = reasons.iter_mut().filter(|reason| **reason == NOT_ALLOWED);
    for (reason, is_too_many) in not_allowed.zip(refused) {
        if *is_too_many {
            *reason = TOO_MANY;
        }
    }
    Some(answer)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn filters_that_are_too_many_are_told_from_those_that_are_not_allowed() {
        let suback = [0x90, 9, 0, 1, 1, 0x87, 0, 0x87, 0x8F, 0x87, 1];
        let expected = [0x90, 9, 0, 1, 1, 0x87, 0, 0x87, 0x8F, 0x97, 1];
        assert_eq!(
            with_quota(&suback, &[false, true]).as_deref(),
            Some(&expected[..])
        );
        assert_eq!(with_quota(&suback, &[false, false]), None);
        for length in 0..suback.len() {
            // It may be cut anywhere, and is never run over.
            let _ = with_quota(&suback[..length], &[true]);
        }
    }
}
