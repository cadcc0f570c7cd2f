//! The list of commands that benches share: a market whose makers follow the price.
//!
//! 1,000 resting orders of 1,000 accounts; 82 % of the commands move an order (Replace), 9 % are new orders, 6 % cancels,
//! 3 % immediate-or-cancel orders that trade. Prices lie within 100 ticks of a slowly walking mid. The list is made from
//! a fixed seed, by asking an exchange which orders are live, so that every run does the same work.

use dojima::domain::{
    Cancel, ClOrdId, Command, ContractEvent, Enter, Event, InstrumentId, LoginId, OrderCommand, OrderEvent,
    OrderPrice, Quantity, Replace, Side, Stamp, TimeInForce, UserRef,
};
use dojima::exchange::Exchange;
use dojima::runtime::SplitMix64;
use dojima::wire::ouch::Echoed;
use std::collections::HashMap;

/// Accounts, each with one login.
pub const ACCOUNTS: u32 = 1_000;
/// Orders that rest.
pub const RESTING: usize = 1_000;
/// The farthest that a price lies from the mid, ticks.
const SPREAD_TICKS: u64 = 100;
/// The instrument, unless another one is named.
pub const INSTRUMENT: InstrumentId = InstrumentId(0);

/// A live order as the list's maker follows it.
#[derive(Clone, Copy)]
struct Live {
    login: LoginId,
    user_ref: UserRef,
    side: Side,
    open: u64,
}

/// Makes the list: knows from the events which orders are live.
pub struct Market {
    exchange: Exchange,
    instrument: InstrumentId,
    first_login: LoginId,
    events: Vec<Event>,
    commands: Vec<Command>,
    random: SplitMix64,
    mid: u64,
    live: Vec<Live>,
    place: HashMap<(LoginId, UserRef), usize>,
    last_user_ref: Vec<u32>,
}

/// What the list turned out to hold.
#[derive(Default)]
pub struct Mix {
    pub moves: usize,
    pub enters: usize,
    pub cancels: usize,
    pub takes: usize,
}

impl Market {
    /// On an exchange that is open, with [`ACCOUNTS`] logins that have money and an instrument with a tick of 10 price
    /// units at most.
    pub fn on(exchange: Exchange) -> Self {
        Self::of(exchange, INSTRUMENT, LoginId(0))
    }

    /// The same in this instrument, for [`ACCOUNTS`] logins from this one on.
    pub fn of(exchange: Exchange, instrument: InstrumentId, first_login: LoginId) -> Self {
        Self {
            exchange,
            instrument,
            first_login,
            events: Vec::new(),
            commands: Vec::new(),
            random: SplitMix64::new(2026),
            mid: 780_000,
            live: Vec::new(),
            place: HashMap::new(),
            last_user_ref: vec![0; ACCOUNTS as usize],
        }
    }

    /// The commands that fill the book, then those that are measured.
    pub fn lists(mut self, count: usize) -> (Vec<Command>, Vec<Command>, Mix) {
        while self.live.len() < RESTING {
            self.enter();
        }
        let fill = std::mem::take(&mut self.commands);
        let mut mix = Mix::default();
        while self.commands.len() < count {
            self.step(&mut mix);
        }
        (fill, self.commands, mix)
    }

    fn step(&mut self, mix: &mut Mix) {
        if self.random.remainder(64) == 0 {
            self.mid = self.mid + self.random.remainder(3) - 1;
        }
        // The number of resting orders drifts with what the takers eat; new orders and cancels hold it.
        let short = self.live.len() < RESTING;
        match self.random.remainder(100) {
            0..82 => {
                mix.moves += 1;
                self.replace();
            }
            82..85 => {
                mix.takes += 1;
                self.take();
            }
            roll if roll < if short { 97 } else { 91 } => {
                mix.enters += 1;
                self.enter();
            }
            _ => {
                mix.cancels += 1;
                self.cancel();
            }
        }
    }

    fn someone(&mut self) -> LoginId {
        LoginId(self.first_login.0 + self.random.remainder(u64::from(ACCOUNTS)) as u32)
    }

    fn next_user_ref(&mut self, login: LoginId) -> UserRef {
        let last = &mut self.last_user_ref[(login.0 - self.first_login.0) as usize];
        *last += 1;
        UserRef(*last)
    }

    fn someones_order(&mut self) -> Live {
        let at = self.random.remainder(self.live.len() as u64) as usize;
        self.live[at]
    }

    /// A price on the order's own side of the mid.
    fn passive_price(&mut self, side: Side) -> OrderPrice {
        let away = 1 + self.random.remainder(SPREAD_TICKS);
        let ticks = match side {
            Side::Buy => self.mid - away,
            Side::Sell => self.mid + away,
        };
        OrderPrice::Limit((ticks * 10) as i64)
    }

    fn side(&mut self) -> Side {
        if self.random.remainder(2) == 0 { Side::Buy } else { Side::Sell }
    }

    fn enter(&mut self) {
        let (login, side) = (self.someone(), self.side());
        let user_ref = self.next_user_ref(login);
        let price = self.passive_price(side);
        let quantity = Quantity(1 + self.random.remainder(100));
        self.send(Command::Order(OrderCommand::Enter(Enter {
            login,
            user_ref,
            instrument: self.instrument,
            side,
            price,
            quantity,
            echo: Echoed::USUAL.carried(ClOrdId::default()),
            ..Enter::default()
        })));
    }

    fn take(&mut self) {
        let (login, side) = (self.someone(), self.side());
        let user_ref = self.next_user_ref(login);
        let through = SPREAD_TICKS / 2;
        let ticks = match side {
            Side::Buy => self.mid + through,
            Side::Sell => self.mid - through,
        };
        let quantity = Quantity(1 + self.random.remainder(100));
        self.send(Command::Order(OrderCommand::Enter(Enter {
            login,
            user_ref,
            instrument: self.instrument,
            side,
            time_in_force: TimeInForce::ImmediateOrCancel,
            price: OrderPrice::Limit((ticks * 10) as i64),
            quantity,
            echo: Echoed::USUAL.carried(ClOrdId::default()),
            ..Enter::default()
        })));
    }

    fn replace(&mut self) {
        let order = self.someones_order();
        let user_ref = self.next_user_ref(order.login);
        let price = self.passive_price(order.side);
        // A maker who moves an order tops it up again: more than all that the chain has executed.
        let resting = self.exchange.orders(self.instrument, order.side);
        let executed = resting
            .filter(|resting| (resting.login, resting.user_ref) == (order.login, order.user_ref))
            .map(|resting| resting.executed().0)
            .sum::<u64>();
        let quantity = Quantity(executed + 1 + self.random.remainder(100));
        let (login, orig_user_ref) = (order.login, order.user_ref);
        self.send(Command::Order(OrderCommand::Replace(Replace {
            login,
            orig_user_ref,
            user_ref,
            price,
            quantity,
            ..Replace::default()
        })));
    }

    fn cancel(&mut self) {
        let Live { login, user_ref, .. } = self.someones_order();
        self.send(Command::Order(OrderCommand::Cancel(Cancel {
            login,
            session: 0,
            user_ref,
            quantity: Quantity(0),
        })));
    }

    fn send(&mut self, command: Command) {
        self.exchange.apply(Stamp::default(), &command, &mut self.events);
        self.commands.push(command);
        for event in std::mem::take(&mut self.events) {
            self.follow(&event);
        }
    }

    fn follow(&mut self, event: &Event) {
        match event {
            Event::Order(OrderEvent::Accepted(e)) => {
                self.appear(e.login, e.terms.user_ref, e.terms.side, e.terms.quantity)
            }
            Event::Order(OrderEvent::Replaced(e)) => {
                self.vanish(e.login, e.orig_user_ref);
                self.appear(e.login, e.terms.user_ref, e.terms.side, e.terms.quantity);
            }
            Event::Order(OrderEvent::Canceled(e)) => self.shrink(e.login, e.user_ref, e.decrement),
            Event::Order(OrderEvent::Executed(e)) => {
                self.shrink(e.maker_login, e.maker_user_ref, e.quantity);
                self.shrink(e.taker_login, e.taker_user_ref, e.quantity);
            }
            // Follows a trade of a contract.
            Event::Contract(ContractEvent::PositionChanged(_)) => {}
            unexpected => panic!("{unexpected:?} in a list of good commands"),
        }
    }

    fn appear(&mut self, login: LoginId, user_ref: UserRef, side: Side, quantity: Quantity) {
        self.place.insert((login, user_ref), self.live.len());
        self.live.push(Live { login, user_ref, side, open: quantity.0 });
    }

    fn shrink(&mut self, login: LoginId, user_ref: UserRef, by: Quantity) {
        let order = &mut self.live[self.place[&(login, user_ref)]];
        order.open -= by.0;
        if order.open == 0 {
            self.vanish(login, user_ref);
        }
    }

    fn vanish(&mut self, login: LoginId, user_ref: UserRef) {
        let at = self.place.remove(&(login, user_ref)).expect("it was live");
        self.live.swap_remove(at);
        if let Some(moved) = self.live.get(at) {
            self.place.insert((moved.login, moved.user_ref), at);
        }
    }
}
