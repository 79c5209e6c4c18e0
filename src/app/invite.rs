//! The invite: a link and its QR code.

use leptos::{html, prelude::*};
use qrcodegen::{QrCode, QrCodeEcc};

use super::{
    clipboard::CopyButton,
    icons::{Icon, icon},
};

/// Light modules around the code, as ISO/IEC 18004 demands.
const QUIET: i32 = 4;

/// How others get into the room.
#[component]
pub(super) fn Invite(link: String, key_text: String) -> impl IntoView {
    let field = NodeRef::<html::Input>::new();
    let select = move || {
        if let Some(field) = field.get_untracked() {
            field.select();
        }
    };
    view! {
        <section class="card invite" aria-labelledby="invite-title">
            {qr(&link)}
            <div class="invite-text">
                <h2 id="invite-title">"Invite others"</h2>
                <p>"Scan the code or open the link on the other device."</p>
                {is_local(&link)
                    .then(|| {
                        view! {
                            <p class="hint hint-icon">
                                {icon(Icon::Warning)}
                                "This link leads to this computer only. For other devices, open this page by its address on the network."
                            </p>
                        }
                    })}
                <div class="field-row">
                    <input
                        class="invite-link"
                        data-testid="share-link"
                        aria-label="Link to this room"
                        readonly
                        node_ref=field
                        prop:value=link.clone()
                        value=link.clone()
                        on:focus=move |_| select()
                    />
                    <CopyButton text=link.clone() />
                </div>
                <p>
                    "Or type the key: "
                    <bdi>
                        <code class="invite-key">{key_text}</code>
                    </bdi>
                </p>
                <p class="hint hint-icon">
                    {icon(Icon::Key)}
                    "Anyone with this link or key can join and get what is sent here. Pass it on only to those who should."
                </p>
            </div>
        </section>
    }
}

/// Whether a link leads each device to itself.
fn is_local(link: &str) -> bool {
    let host = super::address::host(link);
    let name = host.rsplit_once(':').map_or(host, |(name, _)| name);
    name == "localhost" || name == "[::1]" || name.starts_with("127.")
}

/// The link as a QR code; a link too long for one is said to be.
fn qr(link: &str) -> AnyView {
    let Ok(code) = QrCode::encode_text(link, QrCodeEcc::Medium) else {
        return view! { <p class="invite-qr-missing">"This link is too long for a QR code."</p> }
            .into_any();
    };
    let side = code.size() + 2 * QUIET;
    view! {
        <svg
            class="invite-qr"
            data-testid="share-qr"
            role="img"
            aria-label="QR code of the link"
            viewBox=format!("0 0 {side} {side}")
        >
            <path class="qr-light" d=format!("M0 0h{side}v{side}H0z") />
            <path class="qr-dark" d=modules(&code) />
        </svg>
    }
    .into_any()
}

/// The dark modules as one path: a rectangle for each run in a row.
fn modules(code: &QrCode) -> String {
    use std::fmt::Write as _;
    let mut path = String::new();
    for y in 0..code.size() {
        let mut x = 0;
        while x < code.size() {
            let start = x;
            while code.get_module(x, y) {
                x += 1;
            }
            if x > start {
                // Writing into a String cannot fail.
                let _ = write!(
                    path,
                    "M{} {}h{}v1h-{}z",
                    start + QUIET,
                    y + QUIET,
                    x - start,
                    x - start
                );
            }
            x += 1;
        }
    }
    path
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn links_to_this_computer_are_known() {
        for (link, local) in [
            ("http://localhost:8080/#key=a", true),
            ("http://127.0.0.1/#key=a", true),
            ("http://192.168.0.5:8080/#key=localhost", false),
            ("https://localhost.example.org/x", false),
            ("http://[::1]:8080/", true),
        ] {
            assert_eq!(is_local(link), local, "{link}");
        }
    }

    #[test]
    fn the_path_covers_every_dark_module() {
        let code = QrCode::encode_text("http://localhost:8080/#key=blue-whale", QrCodeEcc::Medium)
            .unwrap();
        let dark = (0..code.size())
            .flat_map(|y| (0..code.size()).map(move |x| (x, y)))
            .filter(|&(x, y)| code.get_module(x, y))
            .count();
        let path = modules(&code);
        let drawn: usize = path
            .split('M')
            .filter_map(|run| run.split_once('h')?.1.split_once('v'))
            .map(|(length, _)| length.parse::<usize>().unwrap())
            .sum();
        assert_eq!(drawn, dark);
        assert!(
            path.starts_with("M4 4h7v1h-7z"),
            "the first finder pattern begins inside the quiet zone: {path}"
        );
    }
}
