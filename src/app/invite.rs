//! The invite: a link and its QR code.

use leptos::{html, prelude::*, task::spawn_local};
use mqdrop_words::Words;

use super::{
    clipboard::CopyButton,
    extras::{Extras, Outdated, QrCode},
    icons::{Icon, icon},
    words::{around, words},
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
    let [before_key, behind_key] = around(Words::invite_key);
    view! {
        <section class="card invite" aria-labelledby="invite-title">
            <Qr link=link.clone() extras />
            <div class="invite-text">
                <h2 id="invite-title">{words().invite_title()}</h2>
                <p>{words().invite_how()}</p>
                {is_local(&link)
                    .then(|| {
                        view! {
                            <p class="hint hint-icon">
                                {icon(Icon::Warning)}
                                {words().invite_local()}
                            </p>
                        }
                    })}
                <div class="field-row">
                    <input
                        class="invite-link"
                        data-testid="share-link"
                        aria-label=words().invite_link()
                        readonly
                        node_ref=field
                        prop:value=link.clone()
                        value=link.clone()
                        on:focus=move |_| select()
                    />
                    <CopyButton text=link.clone() />
                </div>
                <p>
                    {before_key}
                    <bdi>
                        <code class="invite-key">{key_text}</code>
                    </bdi>
                    {behind_key}
                </p>
                <p class="hint hint-icon">
                    {icon(Icon::Key)}
                    {words().invite_warning()}
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
    let said = |text: &'static str| view! { <p>{text}</p> }.into_any();
    view! {
        <div class="invite-code" role="status">
            {move || match extras.get().map(|module| module.qr_code(&link)) {
                Some(Ok(Some(code))) => drawn(code),
                Some(Ok(None)) => said(words().invite_code_too_long()),
                Some(Err(Outdated)) => said(words().invite_code_outdated()),
                None if is_missing.get() => said(words().invite_code_not_loaded()),
                None => said(words().invite_code_loading()),
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
            aria-label=words().invite_code()
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
