//! What the gateway keeps of a login beside its stream: how much it may still send, and what becomes of its orders while it
//! has no connection.

use super::rounds::Share;
use super::settings::{LoginSettings, RateLimit};
use crate::domain::LoginId;
use std::time::Duration;

/// One message in a bucket: levels are counted in billionths, so that a nanosecond of any rate is a whole number.
const MESSAGE: i64 = 1_000_000_000;

/// Whether one more message is within the rate.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fill {
    /// It is.
    Within,
    /// It is not.
    Excess,
    /// It is not, and a whole burst before it was not either.
    Overdrawn,
}

/// A token bucket. It is the login's and not the connection's: to log in again does not fill it.
#[derive(Clone, Copy, Debug)]
pub struct Bucket {
    /// Its rate.
    pub limit: RateLimit,
    /// From -burst to burst.
    level: i64,
    filled_at: u64,
}

impl Bucket {
    /// A full one.
    pub fn new(limit: RateLimit) -> Self {
        Self { limit, level: full(limit), filled_at: 0 }
    }

    /// Fills it up to `now`, ns.
    pub fn fill(&mut self, now: u64) {
        let elapsed = i128::from(now.saturating_sub(self.filled_at));
        let level = i128::from(self.level) + elapsed * i128::from(self.limit.per_second);
        self.level = level.min(i128::from(full(self.limit))) as i64;
        self.filled_at = self.filled_at.max(now);
    }

    /// Takes one message out if it is within the rate; whether it is.
    pub fn take_within(&mut self) -> bool {
        let is_within = self.level >= MESSAGE;
        if is_within {
            self.level -= MESSAGE;
        }
        is_within
    }

    /// Puts one message back.
    fn put_back(&mut self) {
        self.level = (self.level + MESSAGE).min(full(self.limit));
    }

    /// Takes one message out, also of an empty one.
    pub fn take(&mut self) -> Fill {
        self.level -= MESSAGE;
        if self.level >= 0 {
            return Fill::Within;
        }
        if self.level >= -full(self.limit) {
            return Fill::Excess;
        }
        self.level = -full(self.limit);
        Fill::Overdrawn
    }
}

fn full(limit: RateLimit) -> i64 {
    i64::from(limit.burst) * MESSAGE
}

/// What a login may send that makes the exchange smaller while space is low: a cancel takes space, too, also when it does
/// nothing. An order that is gone by one makes up for it.
const CANCELS_WHILE_LOW: RateLimit = RateLimit { per_second: 1, burst: 100 };

/// One login's.
#[derive(Clone, Copy, Debug)]
struct Desk {
    cancel_on_disconnect: Option<Duration>,
    bucket: Option<Bucket>,
    cancels: Bucket,
    /// While space is low: when the next order is taken, to be refused, ns.
    next_order: u64,
    /// What it has had of a round.
    share: Share,
    /// When its orders are cancelled, ns; `None`: it has a connection, or has had its orders cancelled, or they stay.
    cancel_at: Option<u64>,
}

impl Default for Desk {
    fn default() -> Self {
        let cancels = Bucket::new(CANCELS_WHILE_LOW);
        let (bucket, share) = (None, Share::default());
        Self { cancel_on_disconnect: None, bucket, cancels, next_order: 0, share, cancel_at: None }
    }
}

/// Those of all logins.
pub struct Desks {
    by_login: Vec<Desk>,
    /// How many of them have a time at which their orders are cancelled.
    absent: usize,
    /// Whether space was low when it was last asked.
    is_low: bool,
}

impl Desks {
    /// Those of these logins. All of them are absent.
    pub fn new(logins: &[LoginSettings]) -> Self {
        let len = logins.iter().map(|settings| settings.login.0 as usize + 1).max().unwrap_or(0);
        let mut by_login = vec![Desk::default(); len];
        for settings in logins {
            by_login[settings.login.0 as usize] = Desk {
                cancel_on_disconnect: settings.cancel_on_disconnect,
                bucket: settings.rate.map(Bucket::new),
                ..Desk::default()
            };
        }
        Self { by_login, absent: 0, is_low: false }
    }

    /// The times of grace of all logins begin: the engine has started, and nobody has a connection yet.
    pub fn begin(&mut self, now: u64) {
        (0..self.by_login.len()).for_each(|login| self.leave(LoginId(login as u32), now));
    }

    /// What the login may still send at `now`, ns: in messages if there is a limit, and in cancels if space is low.
    #[inline]
    pub fn allowances(
        &mut self,
        login: LoginId,
        is_low: bool,
        now: u64,
    ) -> (Option<&mut Bucket>, Option<&mut Bucket>) {
        let Some(desk) = self.by_login.get_mut(login.0 as usize) else { return (None, None) };
        if let Some(bucket) = &mut desk.bucket {
            bucket.fill(now);
        }
        self.is_low = is_low;
        if is_low {
            desk.cancels.fill(now);
        } else {
            desk.cancels = Bucket::new(CANCELS_WHILE_LOW);
        }
        (desk.bucket.as_mut(), is_low.then_some(&mut desk.cancels))
    }

    /// When the login's next order is taken while space is low, to be refused, ns. It is the login's and not the connection's.
    pub fn next_order(&mut self, login: LoginId) -> Option<&mut u64> {
        self.by_login.get_mut(login.0 as usize).map(|desk| &mut desk.next_order)
    }

    /// What the login has had of a round: to log in again does not help, for what it has sent before is still on its way.
    pub(super) fn share(&mut self, login: LoginId) -> Option<&mut Share> {
        self.by_login.get_mut(login.0 as usize).map(|desk| &mut desk.share)
    }

    /// An order of the login was cancelled whole.
    #[inline]
    pub fn order_gone(&mut self, login: LoginId) {
        if self.is_low
            && let Some(desk) = self.by_login.get_mut(login.0 as usize)
        {
            desk.cancels.put_back();
        }
    }

    /// The login has a connection.
    pub fn arrive(&mut self, login: LoginId) {
        if let Some(desk) = self.by_login.get_mut(login.0 as usize)
            && desk.cancel_at.take().is_some()
        {
            self.absent -= 1;
        }
    }

    /// The login has none any more.
    pub fn leave(&mut self, login: LoginId, now: u64) {
        if let Some(desk) = self.by_login.get_mut(login.0 as usize)
            && let Some(grace) = desk.cancel_on_disconnect
        {
            let at = now.saturating_add(u64::try_from(grace.as_nanos()).unwrap_or(u64::MAX));
            if desk.cancel_at.replace(at).is_none() {
                self.absent += 1;
            }
        }
    }

    /// Hands the logins to `cancel` whose time of grace is over, for as long as it takes them.
    pub fn due(&mut self, now: u64, mut cancel: impl FnMut(LoginId) -> bool) {
        if self.absent == 0 {
            return;
        }
        for (login, desk) in (0..).map(LoginId).zip(&mut self.by_login) {
            if desk.cancel_at.is_some_and(|at| at <= now) {
                if !cancel(login) {
                    return;
                }
                desk.cancel_at = None;
                self.absent -= 1;
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_bucket_gives_its_burst_and_then_its_rate() {
        let mut bucket = Bucket::new(RateLimit { per_second: 10, burst: 3 });
        bucket.fill(1_000_000_000);
        let taken: Vec<Fill> = (0..8).map(|_| bucket.take()).collect();
        let (within, excess, over) = (Fill::Within, Fill::Excess, Fill::Overdrawn);
        assert_eq!(taken, [within, within, within, excess, excess, excess, over, over]);
        // It owes three and gets one every tenth of a second.
        bucket.fill(1_300_000_000);
        assert_eq!(bucket.take(), excess);
        bucket.fill(1_500_000_000);
        assert_eq!(bucket.take(), within);
        bucket.fill(u64::MAX);
        assert_eq!((0..4).filter(|_| bucket.take() == within).count(), 3, "never more than the burst");
    }

    #[test]
    fn while_space_is_low_a_cancel_has_to_do_something() {
        let settings = LoginSettings { login: LoginId(1), cancel_on_disconnect: None, rate: None };
        let mut desks = Desks::new(&[settings]);
        let login = LoginId(1);
        let second = 1_000_000_000;
        let sent = |desks: &mut Desks, now, wanted: u32| {
            let (_, cancels) = desks.allowances(login, true, now);
            let cancels = cancels.expect("space is low");
            (0..wanted).filter(|_| cancels.take_within()).count()
        };
        assert_eq!(sent(&mut desks, second, 1_000), 100);
        assert_eq!(sent(&mut desks, 2 * second - 1, 9), 0);
        assert_eq!(sent(&mut desks, 3 * second + 5, 9), 2, "one a second");
        for _ in 0..7 {
            desks.order_gone(login);
        }
        assert_eq!(sent(&mut desks, 3 * second + 5, 9), 7, "one for each order that is gone");
        assert_eq!(sent(&mut desks, 999 * second, 1_000), 100, "never more at once");
        assert!(desks.allowances(login, false, 999 * second).1.is_none(), "space is not low");
        assert_eq!(sent(&mut desks, 999 * second, 1_000), 100);
        (0..999).for_each(|_| desks.order_gone(login));
        assert_eq!(sent(&mut desks, 999 * second, 1_000), 100);
    }

    #[test]
    fn whoever_comes_back_in_time_keeps_its_orders() {
        let login =
            |login, grace| LoginSettings { login: LoginId(login), cancel_on_disconnect: grace, rate: None };
        let grace = Some(Duration::from_nanos(10));
        let mut desks = Desks::new(&[login(0, grace), login(2, grace), login(3, None)]);
        let due = |desks: &mut Desks, now, room: usize| {
            let mut all = Vec::new();
            desks.due(now, |login| {
                let fits = all.len() < room;
                all.extend(fits.then_some(login.0));
                fits
            });
            all
        };
        desks.begin(100);
        assert_eq!(due(&mut desks, 109, 9), [0; 0]);
        desks.arrive(LoginId(2));
        assert_eq!(due(&mut desks, 110, 9), [0]);
        assert_eq!(due(&mut desks, 999, 9), [0; 0], "once");
        desks.leave(LoginId(2), 200);
        desks.leave(LoginId(0), 200);
        desks.leave(LoginId(3), 200);
        assert_eq!(due(&mut desks, 210, 1), [0], "the other one when there is room");
        assert_eq!(due(&mut desks, 210, 1), [2]);
        assert_eq!(desks.absent, 0);
    }
}
