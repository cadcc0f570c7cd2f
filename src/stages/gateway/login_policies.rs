//! Per-login state besides the stream: message limits, and the cancel of its orders while it has no connection.

use super::rounds::Share;
use super::settings::{LoginSettings, RateLimit};
use crate::domain::LoginId;
use std::time::Duration;

/// One message in a bucket. Levels are counted in billionths, so that one nanosecond of any rate is a whole number.
const MESSAGE: i64 = 1_000_000_000;

/// Whether one more message is within the rate.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fill {
    /// It is.
    Within,
    /// It is not.
    Excess,
    /// It is not, and neither was a whole burst before it.
    Overdrawn,
}

/// A token bucket. It belongs to the login and not to the connection: logging in again does not refill it.
#[derive(Clone, Copy, Debug)]
pub struct Bucket {
    pub limit: RateLimit,
    /// The level, from -burst to burst.
    level: i64,
    filled_at: u64,
}

impl Bucket {
    /// A full bucket.
    pub fn new(limit: RateLimit) -> Self {
        Self { limit, level: full(limit), filled_at: 0 }
    }

    /// Refills it up to `now`, ns.
    pub fn fill(&mut self, now: u64) {
        let elapsed = i128::from(now.saturating_sub(self.filled_at));
        let level = i128::from(self.level) + elapsed * i128::from(self.limit.per_second);
        self.level = level.min(i128::from(full(self.limit))) as i64;
        self.filled_at = self.filled_at.max(now);
    }

    /// Takes one message out if it is within the rate; returns whether it was.
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

    /// Takes one message out, even if the bucket is empty.
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

/// The rate of cancels per login while space is low: a cancel takes space, even if it has no effect. If it removes an
/// order, it does not count.
const CANCELS_WHILE_LOW: RateLimit = RateLimit { per_second: 1, burst: 100 };

/// The limits of one login, and their present use.
#[derive(Clone, Copy, Debug)]
struct LoginPolicy {
    cancel_on_disconnect: Option<Duration>,
    bucket: Option<Bucket>,
    cancels: Bucket,
    /// While space is low: when the next order is accepted in order to be refused, ns.
    next_order: u64,
    /// Its use of the present round.
    share: Share,
    /// When its orders are cancelled, ns. `None`: it has a connection, its orders were already cancelled, or they stay.
    cancel_at: Option<u64>,
}

impl Default for LoginPolicy {
    fn default() -> Self {
        let cancels = Bucket::new(CANCELS_WHILE_LOW);
        let (bucket, share) = (None, Share::default());
        Self { cancel_on_disconnect: None, bucket, cancels, next_order: 0, share, cancel_at: None }
    }
}

/// The policies of all logins.
pub struct LoginPolicies {
    by_login: Vec<LoginPolicy>,
    /// The number of logins with a `cancel_at` time.
    absent: usize,
    /// Whether space was low at the last call.
    is_low: bool,
}

impl LoginPolicies {
    /// The policies of these logins, none of which is connected.
    pub fn new(logins: &[LoginSettings]) -> Self {
        let len = logins.iter().map(|settings| settings.login.0 as usize + 1).max().unwrap_or(0);
        let mut by_login = vec![LoginPolicy::default(); len];
        for settings in logins {
            by_login[settings.login.0 as usize] = LoginPolicy {
                cancel_on_disconnect: settings.cancel_on_disconnect,
                bucket: settings.rate.map(Bucket::new),
                ..LoginPolicy::default()
            };
        }
        Self { by_login, absent: 0, is_low: false }
    }

    /// Starts the grace periods of all logins: the engine has started, and there are no connections yet.
    pub fn begin(&mut self, now: u64) {
        (0..self.by_login.len()).for_each(|login| self.leave(LoginId(login as u32), now));
    }

    /// What the login may still send at `now`, ns: messages if it has a limit, and cancels if space is low.
    #[inline]
    pub fn allowances(
        &mut self,
        login: LoginId,
        is_low: bool,
        now: u64,
    ) -> (Option<&mut Bucket>, Option<&mut Bucket>) {
        let Some(policy) = self.by_login.get_mut(login.0 as usize) else { return (None, None) };
        if let Some(bucket) = &mut policy.bucket {
            bucket.fill(now);
        }
        self.is_low = is_low;
        if is_low {
            policy.cancels.fill(now);
        } else {
            policy.cancels = Bucket::new(CANCELS_WHILE_LOW);
        }
        (policy.bucket.as_mut(), is_low.then_some(&mut policy.cancels))
    }

    /// When the login's next order is accepted while space is low, in order to be refused, ns. Kept per login, not per
    /// connection.
    pub fn next_order(&mut self, login: LoginId) -> Option<&mut u64> {
        self.by_login.get_mut(login.0 as usize).map(|policy| &mut policy.next_order)
    }

    /// The login's use of the present round. Logging in again does not reset it, because earlier messages are still in
    /// progress.
    pub(super) fn share(&mut self, login: LoginId) -> Option<&mut Share> {
        self.by_login.get_mut(login.0 as usize).map(|policy| &mut policy.share)
    }

    /// An order of the login was cancelled completely.
    #[inline]
    pub fn order_gone(&mut self, login: LoginId) {
        if self.is_low
            && let Some(policy) = self.by_login.get_mut(login.0 as usize)
        {
            policy.cancels.put_back();
        }
    }

    /// The login has connected.
    pub fn arrive(&mut self, login: LoginId) {
        if let Some(policy) = self.by_login.get_mut(login.0 as usize)
            && policy.cancel_at.take().is_some()
        {
            self.absent -= 1;
        }
    }

    /// The login has no connection any more.
    pub fn leave(&mut self, login: LoginId, now: u64) {
        if let Some(policy) = self.by_login.get_mut(login.0 as usize)
            && let Some(grace) = policy.cancel_on_disconnect
        {
            let at = now.saturating_add(u64::try_from(grace.as_nanos()).unwrap_or(u64::MAX));
            if policy.cancel_at.replace(at).is_none() {
                self.absent += 1;
            }
        }
    }

    /// Calls `cancel` for the logins whose grace period has ended, until it returns false.
    pub fn due(&mut self, now: u64, mut cancel: impl FnMut(LoginId) -> bool) {
        if self.absent == 0 {
            return;
        }
        for (login, policy) in (0..).map(LoginId).zip(&mut self.by_login) {
            if policy.cancel_at.is_some_and(|at| at <= now) {
                if !cancel(login) {
                    return;
                }
                policy.cancel_at = None;
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
        // It owes three messages and gains one per tenth of a second.
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
        let mut policies = LoginPolicies::new(&[settings]);
        let login = LoginId(1);
        let second = 1_000_000_000;
        let sent = |policies: &mut LoginPolicies, now, wanted: u32| {
            let (_, cancels) = policies.allowances(login, true, now);
            let cancels = cancels.expect("space is low");
            (0..wanted).filter(|_| cancels.take_within()).count()
        };
        assert_eq!(sent(&mut policies, second, 1_000), 100);
        assert_eq!(sent(&mut policies, 2 * second - 1, 9), 0);
        assert_eq!(sent(&mut policies, 3 * second + 5, 9), 2, "one a second");
        for _ in 0..7 {
            policies.order_gone(login);
        }
        assert_eq!(sent(&mut policies, 3 * second + 5, 9), 7, "one for each order that is gone");
        assert_eq!(sent(&mut policies, 999 * second, 1_000), 100, "never more at once");
        assert!(policies.allowances(login, false, 999 * second).1.is_none(), "space is not low");
        assert_eq!(sent(&mut policies, 999 * second, 1_000), 100);
        (0..999).for_each(|_| policies.order_gone(login));
        assert_eq!(sent(&mut policies, 999 * second, 1_000), 100);
    }

    #[test]
    fn whoever_comes_back_in_time_keeps_its_orders() {
        let login =
            |login, grace| LoginSettings { login: LoginId(login), cancel_on_disconnect: grace, rate: None };
        let grace = Some(Duration::from_nanos(10));
        let mut policies = LoginPolicies::new(&[login(0, grace), login(2, grace), login(3, None)]);
        let due = |policies: &mut LoginPolicies, now, room: usize| {
            let mut all = Vec::new();
            policies.due(now, |login| {
                let fits = all.len() < room;
                all.extend(fits.then_some(login.0));
                fits
            });
            all
        };
        policies.begin(100);
        assert_eq!(due(&mut policies, 109, 9), [0; 0]);
        policies.arrive(LoginId(2));
        assert_eq!(due(&mut policies, 110, 9), [0]);
        assert_eq!(due(&mut policies, 999, 9), [0; 0], "once");
        policies.leave(LoginId(2), 200);
        policies.leave(LoginId(0), 200);
        policies.leave(LoginId(3), 200);
        assert_eq!(due(&mut policies, 210, 1), [0], "the other one when there is room");
        assert_eq!(due(&mut policies, 210, 1), [2]);
        assert_eq!(policies.absent, 0);
    }
}
