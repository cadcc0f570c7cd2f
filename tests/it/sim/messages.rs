//! What clients send: orders of every kind that the wire can express, most of them sensible, and bytes that are none.

use super::random::Random;
use super::venue::{INDEXES, Market, Venue};
use dojima::config::UserRole;
use dojima::domain::{ClOrdId, Symbol, UserRef};
use dojima::wire::ouch::{
    Appendage, CancelOrder, DisableEntry, EnableEntry, EnterOrder, Inbound, MARKET_PRICE, MassCancelOrders,
    ModifyOrder, ReplaceOrder, tags,
};
use dojima::wire::soup::{self, kind};

const SECOND_NS: u64 = 1_000_000_000;

/// A message as it goes out.
#[derive(Clone, Debug)]
pub struct Message {
    /// The whole packet.
    pub bytes: Vec<u8>,
    /// A message of this number must be answered under it.
    pub answered_as: Option<UserRef>,
}

/// One client's stream of messages.
pub struct Messages {
    pub(super) random: Random,
    pub(super) venue: Venue,
    role: UserRole,
    last_ref: u32,
    /// Messages since the last one that must be answered.
    pub(super) unanswerable: u32,
    /// Its order entry is off: it thinks of that before long.
    disabled: bool,
    /// The time of the exchange, ns since 1970.
    pub(super) time: u64,
    /// The source time of its last price of an index.
    pub(super) last_source: u64,
    /// By index: the last price that it made; 0: none.
    pub(super) last_prices: [u64; INDEXES.len()],
}

impl Messages {
    pub fn new(random: Random, venue: Venue, role: UserRole) -> Self {
        let (last_ref, unanswerable, disabled, last_source) = (0, 0, false, 0);
        let last_prices = [0; INDEXES.len()];
        Self { random, venue, role, last_ref, unanswerable, disabled, time: 0, last_source, last_prices }
    }

    /// The next message; `time` is that of the exchange, ns since 1970.
    pub fn next(&mut self, time: u64) -> Message {
        self.time = time;
        if self.role == UserRole::Index {
            return self.of_source();
        }
        // As orders count it: seconds of the day.
        let now_s = time / SECOND_NS % 86_400;
        if self.venue.has_contracts() && self.unanswerable < 16 && self.random.once_in(10) {
            return self.of_owner();
        }
        let drawn = if self.unanswerable >= 16 { 0 } else { self.random.below(100) };
        self.unanswerable += 1;
        if self.disabled && self.random.once_in(5) {
            return self.order_entry();
        }
        match drawn {
            0..57 => self.enter(now_s),
            57..71 => self.replace(now_s),
            71..87 => self.cancel(),
            87..93 => self.modify(),
            93..95 => self.query(),
            95..97 => self.mass_cancel(),
            97 if self.random.once_in(4) => self.order_entry(),
            98 => self.transfer(),
            _ => self.again(now_s),
        }
    }

    /// One whose answer shows that everything before it was taken up.
    pub fn last(&mut self) -> Message {
        let (mut order, _) = self.order();
        order.symbol = Symbol::new("NOWHERE").expect("a symbol");
        let user_ref = self.new_ref();
        order.user_ref = user_ref;
        message(&Inbound::Enter(order, Appendage::default()), Some(user_ref))
    }

    /// The number of its last message.
    pub fn last_ref(&self) -> UserRef {
        UserRef(self.last_ref)
    }

    /// Goes on after this number: another session.
    pub fn go_on_after(&mut self, last: UserRef) {
        (self.last_ref, self.unanswerable) = (last.0, 0);
    }

    pub(super) fn new_ref(&mut self) -> UserRef {
        self.last_ref += 1;
        UserRef(self.last_ref)
    }

    pub(super) fn old_ref(&mut self) -> UserRef {
        let back = self.random.below(24) as u32;
        UserRef(self.last_ref.saturating_sub(back))
    }

    pub(super) fn symbol(&mut self) -> (Symbol, Market) {
        let market = self.market();
        let name = if self.random.once_in(60) { "NOWHERE" } else { market.symbol };
        (Symbol::new(name).expect("a symbol"), market)
    }

    /// Few think of a contract that has ended.
    fn market(&mut self) -> Market {
        let markets = self.venue.markets();
        let market = self.random.pick(markets);
        let is_over = self.venue.has_ended(market, self.time);
        if is_over && !self.random.once_in(6) { self.random.pick(&markets[..4]) } else { market }
    }

    fn price(&mut self, market: Market) -> u64 {
        let off = self.random.below(2 * market.spread) * market.tick;
        let fair = market.middle - market.spread * market.tick + off;
        match self.random.below(80) {
            0..3 => MARKET_PRICE,
            3 => 0,
            4 => MARKET_PRICE + 1,
            5 => fair + 1,
            6 => market.middle / 4,
            7 => market.middle * 4,
            8 => fair * 9 / 10,
            9 => fair * 11 / 10,
            10 => market.tick,
            _ => fair,
        }
    }

    fn quantity(&mut self) -> u32 {
        match self.random.below(60) {
            0 => 0,
            1 => u32::MAX,
            2 => 1,
            3..6 => 40_000 + self.random.below(4_000_000) as u32,
            6..20 => 1 + self.random.below(60) as u32,
            _ => 10 + self.random.below(3_000) as u32,
        }
    }

    /// A sensible byte, or once in a while another one.
    fn byte(&mut self, sensible: &[u8], others: &[u8]) -> u8 {
        if self.random.once_in(90) { self.random.pick(others) } else { self.random.pick(sensible) }
    }

    fn cl_ord_id(&mut self) -> ClOrdId {
        let mut text = [b' '; 14];
        let len = self.random.below(15) as usize;
        text[..len].fill_with(|| b'a' + self.random.below(26) as u8);
        ClOrdId(text)
    }

    fn order(&mut self) -> (EnterOrder, Market) {
        let (symbol, market) = self.symbol();
        let order = EnterOrder {
            user_ref: UserRef(0),
            side: self.byte(b"BS", b"TEX"),
            quantity: self.quantity(),
            symbol,
            price: self.price(market),
            time_in_force: self.byte(b"00000336", b"59"),
            display: self.byte(b"YYYYYAN", b"PZ"),
            capacity: self.byte(b"APRO", b"Q"),
            iso: self.byte(b"N", b"Y"),
            cross_type: self.byte(b"N", b"OC"),
            cl_ord_id: self.cl_ord_id(),
        };
        (order, market)
    }

    fn enter(&mut self, now_s: u64) -> Message {
        let (mut order, market) = self.order();
        order.user_ref = self.new_ref();
        self.unanswerable = 0;
        let tags = self.tags(order.time_in_force, order.quantity, (order.price, market.tick), now_s);
        message(&Inbound::Enter(order, Appendage(&tags)), Some(order.user_ref))
    }

    fn replace(&mut self, now_s: u64) -> Message {
        let market = self.market();
        let (orig_user_ref, user_ref) = (self.old_ref(), self.new_ref());
        let order = ReplaceOrder {
            orig_user_ref,
            user_ref,
            quantity: self.quantity(),
            price: self.price(market),
            time_in_force: self.byte(b"0000036", b"59"),
            display: self.byte(b"YYYYAN", b"PZ"),
            iso: self.byte(b"N", b"Y"),
            cl_ord_id: self.cl_ord_id(),
        };
        let tags = self.tags(order.time_in_force, order.quantity, (order.price, market.tick), now_s);
        message(&Inbound::Replace(order, Appendage(&tags)), None)
    }

    fn cancel(&mut self) -> Message {
        let quantity = if self.random.once_in(3) { self.random.below(2_000) as u32 } else { 0 };
        let order = CancelOrder { user_ref: self.old_ref(), quantity };
        let tags: &[u8] = match self.random.below(30) {
            0 => &[2, tags::USER_REF_IDX, 0],
            1 => &[2, tags::USER_REF_IDX, 1],
            2 => &[9, 9],
            _ => &[],
        };
        message(&Inbound::Cancel(order, Appendage(tags)), None)
    }

    fn modify(&mut self) -> Message {
        let (side, quantity) = (self.byte(b"BS", b"TE"), self.random.below(2_000) as u32);
        let order = ModifyOrder { user_ref: self.old_ref(), side, quantity };
        message(&Inbound::Modify(order, Appendage::default()), None)
    }

    fn mass_cancel(&mut self) -> Message {
        let symbol = match self.random.below(4) {
            0 => Symbol::default(),
            _ => self.symbol().0,
        };
        let user_ref = self.new_ref();
        let firm = if self.random.once_in(8) { *b"FIRM" } else { [0; 4] };
        let order = MassCancelOrders { user_ref, firm, symbol };
        let tags: &[u8] = match self.random.below(4) {
            0 => &[2, tags::SIDE, b'B'],
            1 => &[2, tags::SIDE, b'S'],
            _ => &[],
        };
        self.unanswerable = 0;
        message(&Inbound::MassCancel(order, Appendage(tags)), Some(user_ref))
    }

    /// Order entry off, or on again.
    fn order_entry(&mut self) -> Message {
        let (user_ref, firm) = (self.new_ref(), *b"FIRM");
        self.disabled = !self.disabled;
        self.unanswerable = 0;
        let tags = Appendage::default();
        let inbound = match self.disabled {
            true => Inbound::DisableEntry(DisableEntry { user_ref, firm }, tags),
            false => Inbound::EnableEntry(EnableEntry { user_ref, firm }, tags),
        };
        message(&inbound, Some(user_ref))
    }

    /// A new order under a number that was used before.
    fn again(&mut self, now_s: u64) -> Message {
        let (mut order, market) = self.order();
        order.user_ref = self.old_ref();
        let tags = self.tags(order.time_in_force, order.quantity, (order.price, market.tick), now_s);
        message(&Inbound::Enter(order, Appendage(&tags)), None)
    }

    fn tags(&mut self, time_in_force: u8, quantity: u32, (price, tick): (u64, u64), now_s: u64) -> Vec<u8> {
        let mut out = Vec::new();
        let mut put = |tag: u8, value: &[u8]| {
            out.extend_from_slice(&[value.len() as u8 + 1, tag]);
            out.extend_from_slice(value);
        };
        if time_in_force == b'6' && !self.random.once_in(12) {
            let until = now_s.saturating_sub(1) + self.random.below(20);
            put(tags::EXPIRE_TIME, &(until as u32).to_be_bytes());
        }
        let draws = if self.venue.has_contracts() { 44 } else { 40 };
        match self.random.below(draws) {
            0..3 => put(tags::POST_ONLY, b"P"),
            3..5 => put(tags::MIN_QTY, &(self.random.below(u64::from(quantity) + 9) as u32).to_be_bytes()),
            5..8 => {
                let shown = 1 + self.random.below(u64::from(quantity / 3) + 2) as u32;
                put(tags::MAX_FLOOR, &shown.to_be_bytes());
            }
            8 => put(tags::FIRM, b"DOJI"),
            9 if self.random.once_in(2) => put(tags::MAX_FLOOR, &[1]),
            10 if self.random.once_in(2) => put(tags::ROUTE, b"AWAY"),
            12..15 => {
                // It waits until the market comes to some price near its own.
                let stop = (price + tick * self.random.below(30)).saturating_sub(15 * tick);
                put(tags::STOP_PRICE, &stop.to_be_bytes());
                put(tags::TRIGGER_KIND, &[self.random.pick(b"SP")]);
                let references: &[u8] = if self.venue.has_contracts() { b"LMMI" } else { b"LLM" };
                put(tags::TRIGGER_REFERENCE, &[self.random.pick(references)]);
            }
            40.. => put(tags::POSITION_EFFECT, b"Y"),
            11 if self.random.once_in(3) => out.extend_from_slice(&[200, 1]),
            _ => {}
        }
        out
    }

    /// Bytes that cost the connection.
    pub fn garbage(&mut self) -> Vec<u8> {
        let packet = |kind: u8, payload: &[u8]| {
            let mut out = Vec::new();
            soup::push_packet(kind, payload, &mut out).expect("short");
            out
        };
        match self.random.below(7) {
            0 => vec![0, 0],
            1 => vec![0xFF, 0xFF, b'U'],
            2 => packet(b'?', b"what"),
            3 => packet(kind::UNSEQUENCED, b"Zzz"),
            4 => packet(kind::UNSEQUENCED, b"O too short"),
            5 => packet(kind::SEQUENCED, b"as if"),
            _ => {
                let len = 1 + self.random.below(40) as usize;
                let mut bytes = vec![0x7F];
                bytes.resize_with(len, || self.random.below(256) as u8);
                bytes
            }
        }
    }
}

pub(super) fn message(inbound: &Inbound<'_>, answered_as: Option<UserRef>) -> Message {
    let mut payload = [0; 128];
    let len = inbound.encode(&mut payload).expect("short");
    let mut bytes = Vec::with_capacity(len + soup::HEADER_LEN);
    soup::push_packet(kind::UNSEQUENCED, &payload[..len], &mut bytes).expect("short");
    Message { bytes, answered_as }
}
