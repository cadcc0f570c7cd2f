//! Lines about strangers: whoever can reach a port causes them, so they are one a second of each kind, and a count.

use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

/// What those do who have no login, by what an operator wants to tell apart.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Stranger {
    /// Left in good order.
    Closed,
    /// Was cut off.
    Cut,
    LoginRefused,
    /// Gave a wrong name, password or address.
    NotLetIn,
    /// Found no place.
    TurnedAway,
    /// Could not be taken in for want of something else.
    NotSetUp,
    /// Began no TLS.
    NoTls,
}

impl Stranger {
    /// In the order of the variants, in words.
    const ALL: [(Self, &str); 7] = [
        (Self::Closed, "connections closed without a login"),
        (Self::Cut, "connections cut off before a login"),
        (Self::LoginRefused, "logins refused"),
        (Self::NotLetIn, "wrong names, passwords or addresses"),
        (Self::TurnedAway, "connections turned away for want of a place"),
        (Self::NotSetUp, "connections that could not be set up"),
        (Self::NoTls, "TLS connections not set up"),
    ];

    /// Whether a line about this may be logged. It may, once between two ticks of the log's thread; the others are
    /// counted, and the thread says how many. In a program without that thread all may.
    pub fn may_log(self) -> bool {
        !IS_TOLD.load(Ordering::Relaxed) || TALLY.count(self)
    }
}

/// Set when there is somebody who says how many lines were held back.
static IS_TOLD: AtomicBool = AtomicBool::new(false);

static TALLY: Tally = Tally::new();

/// How often something of each kind happened since it was last asked.
pub(super) struct Tally([AtomicU64; Stranger::ALL.len()]);

impl Tally {
    pub(super) const fn new() -> Self {
        Self([const { AtomicU64::new(0) }; Stranger::ALL.len()])
    }

    /// Counts one; whether it is the first.
    pub(super) fn count(&self, what: Stranger) -> bool {
        self.0[what as usize].fetch_add(1, Ordering::Relaxed) == 0
    }

    /// How many there were beside the first, and begins anew.
    pub(super) fn take_more(&self, what: Stranger) -> u64 {
        self.0[what as usize].swap(0, Ordering::Relaxed).saturating_sub(1)
    }
}

/// From now on somebody calls [`tell`] every second.
pub(super) fn begin() {
    IS_TOLD.store(true, Ordering::Relaxed);
}

/// Says how many lines were held back since the last call.
pub(super) fn tell() {
    for (what, words) in Stranger::ALL {
        let more = TALLY.take_more(what);
        match what {
            _ if more == 0 => {}
            // As loud as the lines that it stands for.
            Stranger::Closed | Stranger::NoTls => tracing::info!("{words}: {more} more"),
            _ => tracing::warn!("{words}: {more} more"),
        }
    }
}
