//! The icons, drawn with strokes in the text's colour.

use leptos::prelude::*;

/// An icon.
#[derive(Clone, Copy)]
pub(super) enum Icon {
    Send,
    Receive,
    File,
    Folder,
    Text,
    Invite,
    Leave,
    Key,
    Dice,
    Copy,
    Check,
    Info,
    Warning,
    Close,
    Mute,
    Unmute,
}

impl Icon {
    /// Paths on a grid of 24 by 24.
    fn path(self) -> &'static str {
        match self {
            Self::Send => "M12 19V5m-6 6 6-6 6 6",
            Self::Receive => "M12 5v14m6-6-6 6-6-6",
            Self::File => "M14 3H7a2 2 0 0 0-2 2v14a2 2 0 0 0 2 2h10a2 2 0 0 0 2-2V8zm0 0v5h5",
            Self::Folder => {
                "M3 7a2 2 0 0 1 2-2h4l2 2h8a2 2 0 0 1 2 2v8a2 2 0 0 1-2 2H5a2 2 0 0 1-2-2z"
            }
            Self::Text => "M4 6h16M4 12h16M4 18h10",
            Self::Invite => {
                "M4 4h6v6H4zM14 4h6v6h-6zM4 14h6v6H4zM14 14h2v2h-2zM18 18h2v2h-2zM18 14h2M14 20h2"
            }
            Self::Leave => "M10 4H6a2 2 0 0 0-2 2v12a2 2 0 0 0 2 2h4m5-4 5-4-5-4m5 4H9",
            Self::Key => "M15 4a5 5 0 1 0 0 10 5 5 0 0 0 0-10m-3.5 8.5L4 20m3-3 2 2",
            Self::Dice => {
                "M5 4h14a1 1 0 0 1 1 1v14a1 1 0 0 1-1 1H5a1 1 0 0 1-1-1V5a1 1 0 0 1 1-1m3.5 4.5h.01M15.5 8.5h.01M12 12h.01M8.5 15.5h.01M15.5 15.5h.01"
            }
            Self::Copy => {
                "M9 9h9a2 2 0 0 1 2 2v7a2 2 0 0 1-2 2h-7a2 2 0 0 1-2-2zM5 15a2 2 0 0 1-1-2V6a2 2 0 0 1 2-2h7a2 2 0 0 1 2 1"
            }
            Self::Check => "m5 12.5 4.5 4.5L19 7.5",
            Self::Info => "M12 3a9 9 0 1 0 0 18 9 9 0 0 0 0-18m0 8v5m0-8.5h.01",
            Self::Warning => "M12 4 2.5 20h19zm0 6v4.5m0 2.5h.01",
            Self::Close => "m6 6 12 12M18 6 6 18",
            Self::Mute => {
                "M4 9.5v5h3.5L12 18.5v-13L7.5 9.5zM15.5 9a4 4 0 0 1 0 6M18 6.5a8 8 0 0 1 0 11"
            }
            Self::Unmute => "M4 9.5v5h3.5L12 18.5v-13L7.5 9.5zM15.5 9.5l5 5m0-5-5 5",
        }
    }
}

/// Draws an icon; it says nothing to a screen reader, the text beside it does.
pub(super) fn icon(icon: Icon) -> impl IntoView {
    view! {
        <svg class="icon" viewBox="0 0 24 24" aria-hidden="true" focusable="false">
            <path d=icon.path() />
        </svg>
    }
}
