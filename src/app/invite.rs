//! The invite: a link and its QR code.

use leptos::{html, prelude::*, task::spawn_local};

use super::{
    clipboard::CopyButton,
    extras::{Extras, Outdated, QrCode},
    icons::{Icon, icon},
};

/// How others get into the room.
#[component]
pub(super) fn Invite(link: String, key_text: String, extras: Extras) -> impl IntoView {
    let field = NodeRef::<html::Input>::new();
    let select = move || {
        if let Some(field) = field.get_untracked() {
            field.select();
        }
    };
    view! {
        <section class="card invite" aria-labelledby="invite-title">
            <Qr link=link.clone() extras />
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

/// The link as a QR code, or why there is none.
#[component]
fn Qr(link: String, extras: Extras) -> impl IntoView {
    let is_missing = RwSignal::new(false);
    spawn_local(async move {
        if extras.load().await.is_err() {
            // The panel may be closed by now.
            let _ = is_missing.try_set(true);
        }
    });
    let words = |words: &'static str| view! { <p>{words}</p> }.into_any();
    let not_loaded = "The QR code did not load. Copy the link, or close this and try again.";
    view! {
        <div class="invite-code" role="status">
            {move || match extras.get().map(|module| module.qr_code(&link)) {
                Some(Ok(Some(code))) => drawn(code),
                Some(Ok(None)) => words("This link is too long for a QR code."),
                Some(Err(Outdated)) => words("This page is out of date. Reload it to see the QR code."),
                None if is_missing.get() => words(not_loaded),
                None => words("Loading the QR code…"),
            }}
        </div>
    }
}

fn drawn(QrCode { side, path }: QrCode) -> AnyView {
    view! {
        <svg
            class="invite-qr"
            data-testid="share-qr"
            role="img"
            aria-label="QR code of the link"
            viewBox=format!("0 0 {side} {side}")
        >
            <path class="qr-light" d=format!("M0 0h{side}v{side}H0z") />
            <path class="qr-dark" d=path />
        </svg>
    }
    .into_any()
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
}
