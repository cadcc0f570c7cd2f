//! Rate limit of lines about strangers, that is, clients without a login. Anyone who can reach a port can cause such
//! lines, so each kind gets one line per second and a count.

use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

/// The kinds of events about clients without a login that operators want to distinguish.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Stranger {
    /// Closed normally.
    Closed,
    /// Was disconnected.
    Cut,
    LoginRefused,
    /// Sent a wrong name or password, or came from an address that is not allowed.
    NotLetIn,
    /// Refused because there was no free place.
    TurnedAway,
    /// Could not be accepted because another resource was missing.
    NotSetUp,
    /// Completed no TLS handshake.
    NoTls,
}

impl Stranger {
    /// In the order of the variants, with the text for the log.
    const ALL: [(Self, &str); 7] = [
        (Self::Closed, "connections closed without a login"),
        (Self::Cut, "connections cut off before a login"),
        (Self::LoginRefused, "logins refused"),
        (Self::NotLetIn, "wrong names, passwords or addresses"),
        (Self::TurnedAway, "connections turned away for want of a place"),
        (Self::NotSetUp, "connections that could not be set up"),
        (Self::NoTls, "TLS connections not set up"),
    ];

    /// Whether a line of this kind may be logged. One may be logged between two ticks of the log's thread; the others
    /// are counted, and the thread logs their number. Without that thread all may be logged.
    pub fn may_log(self) -> bool {
        !IS_TOLD.load(Ordering::Relaxed) || TALLY.count(self)
    }
}

/// Set when a thread logs the number of suppressed lines.
static IS_TOLD: AtomicBool = AtomicBool::new(false);

static TALLY: Tally = Tally::new();

/// The number of events of each kind since it was last read.
pub(super) struct Tally([AtomicU64; Stranger::ALL.len()]);

impl Tally {
    pub(super) const fn new() -> Self {
        Self([const { AtomicU64::new(0) }; Stranger::ALL.len()])
    }

    /// Counts one event; returns whether it is the first.
    pub(super) fn count(&self, what: Stranger) -> bool {
        self.0[what as usize].fetch_add(1, Ordering::Relaxed) == 0
    }

    /// Returns the number of events after the first, and resets the count.
    pub(super) fn take_more(&self, what: Stranger) -> u64 {
        self.0[what as usize].swap(0, Ordering::Relaxed).saturating_sub(1)
    }
}

/// Declares that [`tell`] is called every second from now on.
pub(super) fn begin() {
    IS_TOLD.store(true, Ordering::Relaxed);
}

/// Logs the number of suppressed lines since the last call.
pub(super) fn tell() {
    for (what, words) in Stranger::ALL {
        let more = TALLY.take_more(what);
        match what {
            _ if more == 0 => {}
            // The level is that of the suppressed lines.
            Stranger::Closed | Stranger::NoTls => tracing::info!("{words}: {more} more"),
            _ => tracing::warn!("{words}: {more} more"),
        }
    }
}
