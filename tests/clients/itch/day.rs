//! A made-up day of two instruments with what the recorded flows do not have: hidden orders and icebergs, replaces that trade,
//! opening and closing auctions with their indicative prices, halts. So all message types that the feed has come up.

use dojima::domain::{
    AdminCommand, Cancel, ClockCommand, Command, Enter, Instructions, InstrumentId, LoginId, OrderCommand,
    OrderPrice, Phase, Quantity, Replace, Side, TimeInForce, UserRef, Visibility,
};
use dojima::runtime::SplitMix64;

/// What the instruments go through, and the orders that come meanwhile.
const DAY: [(Phase, usize); 9] = [
    (Phase::Continuous, 150),
    (Phase::Halted, 5),
    (Phase::Continuous, 100),
    (Phase::ClosingAuction, 80),
    (Phase::Closed, 5),
    (Phase::PreOpen, 30),
    (Phase::OpeningAuction, 80),
    (Phase::Continuous, 150),
    (Phase::CancelOnly, 10),
];

/// Equal seeds give equal days.
struct Maker {
    random: SplitMix64,
    next_ref: [u32; 4],
}

impl Maker {
    fn random(&mut self, below: u64) -> u64 {
        self.random.remainder(below)
    }

    fn terms(&mut self) -> (OrderPrice, Quantity, Option<Instructions>) {
        let price = OrderPrice::Limit((6_000_000 + 100 * self.random(30)) as i64);
        let quantity = Quantity(2_000 + self.random(50_000));
        let instructions = match self.random(6) {
            0 => Some(Instructions { visibility: Visibility::Hidden, ..Instructions::NOTHING }),
            1 => Some(Instructions {
                display_quantity: 1_000 + self.random(3_000) as u32,
                ..Instructions::NOTHING
            }),
            _ => None,
        };
        (price, quantity, instructions)
    }

    fn order(&mut self) -> Command {
        let at = self.random(4) as usize;
        let login = LoginId(at as u32);
        let back = 1 + self.random(10) as u32;
        let earlier = UserRef(self.next_ref[at].saturating_sub(back).max(1));
        match self.random(10) {
            0..=5 => {
                let (price, quantity, instructions) = self.terms();
                self.next_ref[at] += 1;
                Command::Order(OrderCommand::Enter(Enter {
                    login,
                    user_ref: UserRef(self.next_ref[at] - 1),
                    instrument: InstrumentId(self.random(2) as u32),
                    side: if self.random(2) == 0 { Side::Buy } else { Side::Sell },
                    time_in_force: TimeInForce::GoodTillCancel,
                    price,
                    quantity,
                    instructions,
                    ..Enter::default()
                }))
            }
            6 | 7 => {
                let (price, quantity, instructions) = self.terms();
                self.next_ref[at] += 1;
                let user_ref = UserRef(self.next_ref[at] - 1);
                Command::Order(OrderCommand::Replace(Replace {
                    login,
                    orig_user_ref: earlier,
                    user_ref,
                    price,
                    quantity,
                    instructions,
                    ..Replace::default()
                }))
            }
            _ => {
                let quantity = Quantity(if self.random(2) == 0 { 0 } else { 1_000 });
                Command::Order(OrderCommand::Cancel(Cancel {
                    login,
                    session: 0,
                    user_ref: earlier,
                    quantity,
                }))
            }
        }
    }
}

/// Several such days, one after the other.
pub fn commands() -> Vec<Command> {
    let mut maker = Maker { random: SplitMix64::new(5), next_ref: [1; 4] };
    let mut commands = Vec::new();
    for _ in 0..12 {
        for (phase, orders) in DAY {
            commands.extend([0, 1].map(|instrument| {
                Command::Admin(AdminCommand::SetPhase { instrument: InstrumentId(instrument), phase })
            }));
            for order in 0..orders {
                commands.push(maker.order());
                if order % 20 == 19 {
                    commands.push(Command::Clock(ClockCommand::Tick));
                }
            }
        }
    }
    commands
}
