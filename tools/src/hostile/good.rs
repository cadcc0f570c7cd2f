//! The well-behaved client, whose latencies are measured.

use super::venue::{GOOD, SYMBOL, password, username};
use anyhow::{Context, ensure};
use dojima::client::{Credentials, Resume, Session};
use dojima::domain::{ClOrdId, Symbol, UserRef};
use dojima::wire::ouch::{Appendage, EnterOrder, Inbound};
use hdrhistogram::Histogram;
use std::net::SocketAddr;
use std::time::{Duration, Instant};

/// The longest wait for an answer; after this the answer counts as missing.
const PATIENCE: Duration = Duration::from_secs(30);

/// Interval between two measured logins.
const LOGIN_EVERY: Duration = Duration::from_secs(1);

/// A distribution of latencies, ns.
pub(super) struct Times(Histogram<u64>);

impl Times {
    fn new() -> anyhow::Result<Self> {
        Ok(Self(Histogram::new_with_bounds(1, 60_000_000_000, 3)?))
    }

    fn record(&mut self, time: Duration) {
        self.0.saturating_record(time.as_nanos() as u64);
    }

    pub(super) fn count(&self) -> u64 {
        self.0.len()
    }

    /// The latency at this quantile, ns.
    pub(super) fn at(&self, quantile: f64) -> u64 {
        self.0.value_at_quantile(quantile)
    }
}

/// A limit order that does not trade and is cancelled at once; they are sent one at a time.
pub(super) fn order(number: u32) -> anyhow::Result<EnterOrder> {
    Ok(EnterOrder {
        user_ref: UserRef(number),
        side: b'B',
        quantity: 1_000,
        symbol: Symbol::new(SYMBOL).context("1 to 8 characters")?,
        price: 1_000_000,
        time_in_force: b'3',
        display: b'Y',
        capacity: b'P',
        iso: b'N',
        cross_type: b'N',
        cl_ord_id: ClOrdId::default(),
    })
}

pub(super) fn credentials(name: &str) -> anyhow::Result<Credentials> {
    Ok(Credentials { username: username(name)?, password: password()?, heartbeat_timeout_ms: None })
}

/// The well-behaved client.
pub(super) struct Good {
    session: Session,
    pace: Duration,
    sent: u32,
}

impl Good {
    pub(super) fn log_in(address: SocketAddr, orders_per_second: u32) -> anyhow::Result<Self> {
        let session = Session::connect(address, &credentials(GOOD)?, Resume::START)?;
        Ok(Self { session, pace: Duration::from_secs(1) / orders_per_second, sent: 0 })
    }

    /// Sends orders for this long and measures each from its due time until it is accepted, which means durable. A late
    /// answer also delays the following orders, and this delay is included.
    pub(super) fn measure(&mut self, time: Duration) -> anyhow::Result<Times> {
        let mut times = Times::new()?;
        let started = Instant::now();
        let mut due = started;
        while started.elapsed() < time {
            let early = due.saturating_duration_since(Instant::now());
            if !early.is_zero() {
                std::thread::sleep(early);
            }
            // The system wakes a sleeping thread late; this delay is not the exchange's.
            let since = if early.is_zero() { due } else { Instant::now() };
            self.round_trip()?;
            times.record(since.elapsed());
            due += self.pace;
        }
        Ok(times)
    }

    fn round_trip(&mut self) -> anyhow::Result<()> {
        self.sent += 1;
        let number = self.sent;
        self.session.send(&Inbound::Enter(order(number)?, Appendage::default()));
        self.session.flush()?;
        let (began, mut accepted) = (Instant::now(), false);
        loop {
            self.session.receive_payloads(|_, payload| {
                accepted |= is_answer(payload, number);
                Ok::<_, dojima::client::ClientError>(())
            })?;
            if accepted {
                return Ok(());
            }
            ensure!(began.elapsed() < PATIENCE, "no answer to an order within {PATIENCE:?}");
            self.session.wait(Duration::from_millis(100))?;
            self.session.flush()?;
        }
    }
}

/// Whether this is the Accepted or Rejected message of an order: type, time, number.
fn is_answer(payload: &[u8], number: u32) -> bool {
    matches!(payload.first(), Some(b'A' | b'J')) && payload.get(9..13) == Some(&number.to_be_bytes())
}

/// Logs in and out once a second for this many seconds; returns the login times.
pub(super) fn logins(address: SocketAddr, name: &str, seconds: u32) -> anyhow::Result<Times> {
    let mut times = Times::new()?;
    let started = Instant::now();
    for number in 0..seconds {
        let due = started + LOGIN_EVERY * number;
        std::thread::sleep(due.saturating_duration_since(Instant::now()));
        let began = Instant::now();
        let resume = Resume { session: None, sequence: 0 };
        let session =
            Session::connect(address, &credentials(name)?, resume).context("a login of a known user")?;
        times.record(began.elapsed());
        session.log_out();
    }
    Ok(times)
}
