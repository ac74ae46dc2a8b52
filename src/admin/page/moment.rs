//! Moments as people read them.

use std::time::SystemTime;

use maud::{Markup, html};

/// `27 Nov 14:02` for a moment as in RFC 3339, with the whole of it for programs and on hovering.
pub(super) fn moment(text: &str) -> Markup {
    html! { time datetime=(text) title=(text) { (short(text)) } }
}

/// From one moment to another; what both have in common is said once.
pub(super) fn between(from: &str, to: &str) -> Markup {
    let (one, other) = (short(from), short(to));
    if one == other {
        return moment(to);
    }
    let is_same_day = from.get(..10) == to.get(..10) && to.get(..10).is_some();
    let last = match other.rsplit_once(' ') {
        Some((_, clock)) if is_same_day => clock.to_owned(),
        _ => other,
    };
    html! { (moment(from)) " to " time datetime=(to) title=(to) { (last) } }
}

/// The same for a moment of this machine.
pub(super) fn of(at: SystemTime) -> Markup {
    moment(&humantime::format_rfc3339_seconds(at).to_string())
}

fn short(text: &str) -> String {
    const MONTHS: [&str; 12] = [
        "Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec",
    ];
    let parts = || {
        let month: usize = text.get(5..7)?.parse().ok()?;
        let day: u32 = text.get(8..10)?.parse().ok()?;
        let clock = text.get(11..16)?;
        let month = MONTHS.get(month.checked_sub(1)?)?;
        Some(format!("{day} {month} {clock}"))
    };
    parts().unwrap_or_else(|| text.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_moment_is_short_and_anything_else_stays() {
        assert_eq!(short("2026-11-27T14:02:59Z"), "27 Nov 14:02");
        for odd in ["", "soon", "2026-13-01T00:00:00Z", "2026-é1-01"] {
            assert_eq!(short(odd), odd);
        }
    }
}
