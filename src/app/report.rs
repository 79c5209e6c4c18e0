//! Details for a bug report: the worker's log, and what kind of browser this is.

use leptos::prelude::*;

use super::erased::{drawn, text};
use super::{clipboard::CopyButton, session::Session, words::words};
use crate::bridge::{Command, Storage};

/// Details that can be copied; asked of the worker when they are opened.
#[component]
pub(super) fn Report(session: Session) -> impl IntoView {
    let report = session.state.report;
    let toggle = move |_| match report.get_untracked() {
        Some(_) => report.set(None),
        None => session.engine.send(Command::Report),
    };
    view! {
        <footer class="foot">
            <button
                type="button"
                class="link"
                data-testid="report"
                aria-expanded=text(move || report.read().is_some().to_string())
                on:click=toggle
            >
                {words().report_open()}
            </button>
            {drawn(move || {
                report
                    .get()
                    .map(|log| {
                        let copied = format!("{}\n{log}", about(session));
                        view! {
                            <section class="card report" aria-label=words().report_open()>
                                <p>{words().report_hint()}</p>
                                <pre data-testid="report-text" tabindex="0">
                                    {copied.clone()}
                                </pre>
                                <CopyButton text=copied />
                            </section>
                        }.into_any()
                    })
            })}
        </footer>
    }
}

/// The program and its browser, which are none of anybody's secrets.
fn about(session: Session) -> String {
    let agent = window().navigator().user_agent().unwrap_or_default();
    let secure = window().is_secure_context();
    let storage = match session.state.storage.get_untracked() {
        Some(Storage::Opfs { .. }) => "opfs",
        Some(Storage::Blob { .. }) => "blob",
        None => "none",
    };
    let version = env!("CARGO_PKG_VERSION");
    format!("mqdrop {version}\n{agent}\nsecure_context={secure} storage={storage}")
}
