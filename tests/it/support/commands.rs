//! A seeded stream of order-entry commands for the built-in venue: two instruments, four logins, prices close enough
//! to trade, references to live and to dead orders, messages sent twice.

use dojima::domain::{
    Cancel, Command, Enter, InstrumentId, LoginId, OrderCommand, OrderPrice, Quantity, Replace, Side,
    TimeInForce, UserRef,
};
use dojima::runtime::SplitMix64;

/// The generator. Equal seeds give equal commands, for ever.
pub struct Commands {
    random: SplitMix64,
    next_ref: [u32; 4],
}

impl Commands {
    pub fn new(seed: u64) -> Self {
        Self { random: SplitMix64::new(seed), next_ref: [1; 4] }
    }

    fn random(&mut self, below: u64) -> u64 {
        self.random.remainder(below)
    }

    fn new_ref(&mut self, login: usize) -> UserRef {
        // Now and then a number that was used before.
        if self.random(50) == 0 {
            return UserRef(self.next_ref[login].saturating_sub(1).max(1));
        }
        self.next_ref[login] += 1;
        UserRef(self.next_ref[login] - 1)
    }

    fn old_ref(&mut self, login: usize) -> UserRef {
        let back = self.random(12) as u32;
        UserRef(self.next_ref[login].saturating_sub(back).max(1))
    }

    fn price(&mut self) -> OrderPrice {
        match self.random(40) {
            0 => OrderPrice::Market,
            _ => OrderPrice::Limit((6_000_000 + 100 * self.random(40)) as i64),
        }
    }

    fn time_in_force(&mut self) -> TimeInForce {
        if self.random(8) == 0 { TimeInForce::ImmediateOrCancel } else { TimeInForce::GoodTillCancel }
    }
}

impl Iterator for Commands {
    type Item = Command;

    fn next(&mut self) -> Option<Command> {
        let at = self.random(4) as usize;
        let login = LoginId(at as u32);
        Some(match self.random(10) {
            0..=4 => Command::Order(OrderCommand::Enter(Enter {
                login,
                user_ref: self.new_ref(at),
                instrument: InstrumentId(self.random(2) as u32),
                side: if self.random(2) == 0 { Side::Buy } else { Side::Sell },
                time_in_force: self.time_in_force(),
                price: self.price(),
                quantity: Quantity(1_000 + self.random(50_000)),
                ..Enter::default()
            })),
            5..=6 => Command::Order(OrderCommand::Replace(Replace {
                login,
                orig_user_ref: self.old_ref(at),
                user_ref: self.new_ref(at),
                time_in_force: self.time_in_force(),
                price: self.price(),
                quantity: Quantity(1_000 + self.random(50_000)),
                ..Replace::default()
            })),
            _ => Command::Order(OrderCommand::Cancel(Cancel {
                login,
                session: 0,
                user_ref: self.old_ref(at),
                quantity: Quantity(if self.random(3) == 0 { self.random(20_000) } else { 0 }),
            })),
        })
    }
}
