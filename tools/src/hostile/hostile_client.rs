//! A client with a valid login that uses everything it is allowed to do.

use super::good::{credentials, order};
use super::venue::HOSTILE;
use dojima::client::{ClientError, Credentials, Resume, Session};
use dojima::domain::UserRef;
use dojima::wire::ouch::{Appendage, CancelOrder, EnterOrder, Inbound};
use std::net::SocketAddr;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

/// The duration of one bout.
const BOUT: Duration = Duration::from_millis(1_500);

/// Messages sent at once, and bytes that may wait for the socket.
const BATCH: u32 = 256;
const UNSENT_MAX: usize = 64 * 1024;

/// UserRefNums reserved for a round: more than it can use.
const NUMBERS_PER_ROUND: u32 = 80_000_000;

/// The wait before another login attempt.
const AGAIN: Duration = Duration::from_millis(100);

/// The number of the first message of a round.
pub(super) fn first_number(round: u32) -> u32 {
    round * NUMBERS_PER_ROUND + 1
}

/// The attacks, in turn.
#[derive(Clone, Copy)]
enum Bout {
    /// Enters resting orders and cancels them, as fast as allowed; reads all messages.
    EnterAndCancel,
    /// Sends well-formed messages that are refused.
    Refusals,
    /// Sends orders and reads no messages.
    ReadNothing,
    /// Logs in again and asks for everything from message 1.
    Resend,
}

const BOUTS: [Bout; 4] = [Bout::EnterAndCancel, Bout::Refusals, Bout::ReadNothing, Bout::Resend];

/// The counters.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Done {
    pub(super) sent: u64,
    pub(super) received: u64,
    pub(super) connections: u64,
}

/// The hostile client.
pub(super) struct HostileClient {
    address: SocketAddr,
    per_second: u32,
    next: u32,
    done: Done,
}

impl HostileClient {
    pub(super) fn new(address: SocketAddr, per_second: u32, first: u32) -> Self {
        Self { address, per_second, next: first, done: Done::default() }
    }

    /// Runs until `over` is set.
    pub(super) fn run(mut self, over: &AtomicBool) -> anyhow::Result<Done> {
        let who = credentials(HOSTILE)?;
        let order = order(0)?;
        for bout in BOUTS.into_iter().cycle() {
            if over.load(Ordering::Relaxed) {
                break;
            }
            match self.bout(bout, &who, &order, over) {
                Ok(()) => {}
                // The client returns after any reaction of the exchange.
                Err(_) => std::thread::sleep(AGAIN),
            }
        }
        Ok(self.done)
    }

    fn bout(
        &mut self,
        bout: Bout,
        who: &Credentials,
        order: &EnterOrder,
        over: &AtomicBool,
    ) -> Result<(), ClientError> {
        let resume = match bout {
            Bout::Resend => Resume::START,
            _ => Resume { session: None, sequence: 0 },
        };
        let mut session = Session::connect(self.address, who, resume)?;
        self.done.connections += 1;
        let (began, mut sent) = (Instant::now(), 0_u64);
        while began.elapsed() < BOUT && !over.load(Ordering::Relaxed) {
            let allowed = match self.per_second {
                0 => u64::MAX,
                rate => (began.elapsed().as_secs_f64() * f64::from(rate)) as u64,
            };
            if !matches!(bout, Bout::Resend)
                && sent + u64::from(BATCH) <= allowed
                && session.unsent() < UNSENT_MAX
            {
                (0..BATCH / 2).for_each(|_| self.pair(bout, &mut session, order));
                sent += u64::from(BATCH);
                self.done.sent += u64::from(BATCH);
            }
            let is_sent = session.flush()?;
            if !matches!(bout, Bout::ReadNothing) {
                let received = session.receive_payloads(|_, _| Ok::<_, ClientError>(()))?;
                self.done.received += received.messages as u64;
                if received.more {
                    continue;
                }
            }
            if !is_sent || sent + u64::from(BATCH) > allowed || matches!(bout, Bout::Resend) {
                std::thread::sleep(Duration::from_millis(1));
            }
        }
        Ok(())
    }

    /// Sends two messages.
    fn pair(&mut self, bout: Bout, session: &mut Session, order: &EnterOrder) {
        let user_ref = UserRef(self.next);
        self.next += 1;
        let resting = EnterOrder { user_ref, time_in_force: b'0', ..*order };
        let order = match bout {
            // An invalid side and an invalid quantity.
            Bout::Refusals => EnterOrder { side: b'?', quantity: 0, ..resting },
            _ => resting,
        };
        session.send(&Inbound::Enter(order, Appendage::default()));
        session.send(&Inbound::Cancel(CancelOrder { user_ref, quantity: 0 }, Appendage::default()));
    }
}
