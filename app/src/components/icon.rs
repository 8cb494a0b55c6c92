//! Line drawings on a grid of 24 by 24; they inherit the text colour.

use leptos::prelude::*;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Icon {
    Check,
    Ring,
    NotEqual,
    Elsewhere,
    Lock,
    Hourglass,
    Cloud,
    Info,
    Alert,
    Copy,
    Arrow,
    Cursor,
    Stream,
    Shard,
    Download,
    Bucket,
    Lambda,
    Sigma,
    Table,
    Sun,
    Moon,
    Auto,
    Stop,
    File,
    Hand,
}

impl Icon {
    fn drawing(self) -> &'static str {
        match self {
            Self::Check => r#"<path d="m5 12.5 4.5 4.5L19 7.5"/>"#,
            Self::Ring => r#"<circle cx="12" cy="12" r="7" stroke-dasharray="3 3.3"/>"#,
            Self::NotEqual => r#"<path d="M5 9.5h14M5 15h14M16 5 8 19.5"/>"#,
            Self::Elsewhere => {
                r#"<path d="M12 21s-6-5.6-6-11a6 6 0 0 1 12 0c0 5.4-6 11-6 11Z"/><circle cx="12" cy="10" r="2"/>"#
            }
            Self::Lock => {
                r#"<rect x="5.5" y="11" width="13" height="9" rx="1.5"/><path d="M8.5 11V8a3.5 3.5 0 0 1 7 0v3"/>"#
            }
            Self::Hourglass => {
                r#"<path d="M7 4h10M7 20h10M8 4c0 4.5 8 5.5 8 8s-8 3.5-8 8M16 4c0 4.5-8 5.5-8 8s8 3.5 8 8"/>"#
            }
            Self::Cloud => {
                r#"<path d="M7.5 18a4 4 0 0 1-.4-8A5.5 5.5 0 0 1 17.6 9.5 4.3 4.3 0 0 1 17 18Z"/><path d="m12 10-1.5 3h3L12 16"/>"#
            }
            Self::Info => r#"<circle cx="12" cy="12" r="8"/><path d="M12 11v5M12 8v.1"/>"#,
            Self::Alert => r#"<path d="M12 4 3.5 19h17Z"/><path d="M12 10v4M12 16.5v.1"/>"#,
            Self::Copy => {
                r#"<rect x="8.5" y="8.5" width="11" height="11" rx="1.5"/><path d="M15.5 8.5v-3a1 1 0 0 0-1-1h-9a1 1 0 0 0-1 1v9a1 1 0 0 0 1 1h3"/>"#
            }
            Self::Arrow => r#"<path d="M4 12h15M13 6l6 6-6 6"/>"#,
            Self::Cursor => r#"<path d="m6 4 4.5 15 2.5-6 6-2.5Z"/>"#,
            Self::Stream => r#"<path d="M3 8c3-3 6 3 9 0s6 3 9 0M3 13c3-3 6 3 9 0s6 3 9 0M3 18c3-3 6 3 9 0s6 3 9 0"/>"#,
            Self::Shard => {
                r#"<path d="M3 6.5h18M3 17.5h18"/><path d="M6 12h.1M10 12h.1M14 12h.1M18 12h.1" stroke-width="3"/>"#
            }
            Self::Download => r#"<path d="M12 4v11M7 10.5l5 5 5-5M5 20h14"/>"#,
            Self::Bucket => r#"<ellipse cx="12" cy="6.5" rx="7" ry="2.5"/><path d="m5 6.5 2 12.5h10l2-12.5"/>"#,
            Self::Lambda => r#"<path d="M7 5h2.5l7 14H18M11.2 10 7 19"/>"#,
            Self::Sigma => r#"<path d="M17 8V5H7l6 7-6 7h10v-3"/>"#,
            Self::Table => {
                r#"<rect x="4" y="5" width="16" height="14" rx="1.5"/><path d="M4 10h16M4 14.5h16M10 10v9"/>"#
            }
            Self::Sun => {
                r#"<circle cx="12" cy="12" r="3.8"/><path d="M12 3.5v2M12 18.5v2M3.5 12h2M18.5 12h2M6 6l1.4 1.4M16.6 16.6 18 18M18 6l-1.4 1.4M7.4 16.6 6 18"/>"#
            }
            Self::Moon => r#"<path d="M19 14.5A7.5 7.5 0 0 1 9.5 5a7.5 7.5 0 1 0 9.5 9.5Z"/>"#,
            Self::Auto => {
                r#"<circle cx="12" cy="12" r="7.5"/><path d="M12 4.5a7.5 7.5 0 0 1 0 15Z" fill="currentColor"/>"#
            }
            Self::Hand => {
                r#"<path d="M8.5 12V6.2a1.3 1.3 0 0 1 2.6 0V11M11.1 10.5V4.8a1.3 1.3 0 0 1 2.6 0v5.9M13.7 10.8V6.3a1.3 1.3 0 0 1 2.6 0v7.9c0 3.6-2 6-5.1 6-2.4 0-3.8-1.1-4.9-3.1l-2-3.6a1.3 1.3 0 0 1 2.2-1.4l2 2.6"/>"#
            }
            Self::Stop => r#"<rect x="7" y="7" width="10" height="10" rx="1.5"/>"#,
            Self::File => r#"<path d="M7 4h7l4 4v12H7Z"/><path d="M14 4v4h4M10 13h5M10 16.5h5"/>"#,
        }
    }
}

/// An icon without meaning of its own: the words stand beside it.
pub fn icon(icon: Icon) -> impl IntoView {
    view! {
        <svg class="icon" viewBox="0 0 24 24" width="24" height="24" aria-hidden="true" focusable="false" inner_html=icon.drawing()></svg>
    }
}

/// The same drawing inside another SVG, with its middle at `x`, `y` and `size` wide.
pub fn icon_in_svg(icon: Icon, x: f64, y: f64, size: f64) -> impl IntoView {
    let place = format!("translate({} {}) scale({})", x - size / 2.0, y - size / 2.0, size / 24.0);
    view! { <g class="icon" transform=place inner_html=icon.drawing()></g> }
}
