//! Messages to a venue, and its reports.

use dojima::domain::Side;

/// What a trader asks for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// A limit order; what does not trade at once rests.
    New,
    /// A limit order; what does not trade at once is cancelled.
    ImmediateOrCancel,
    /// Takes back what is left of `old`.
    Cancel,
    /// Takes `quantity` lots of `old` back, all of it when that is what is left.
    Reduce,
    /// Takes `old` back and enters a new limit order in its place; does neither when `old` is gone.
    Modify,
}

/// One message: 32 bytes.
#[derive(Clone, Copy, Debug)]
pub struct Message {
    pub kind: Kind,
    pub side: Side,
    /// Ticks.
    pub price: i32,
    /// Lots.
    pub quantity: u32,
    /// The number of the order that the message enters, from 1, rising.
    pub id: u32,
    /// The number of the order that it takes back.
    pub old: u32,
    /// Where the venue has said that order lies: what a trader knows from the report, as from OUCH's reference number.
    pub old_slot: u32,
}

/// What a report says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum What {
    /// The order is in order.
    Accepted,
    /// It rests; `slot` is where.
    Added,
    /// One side of a trade with `other`.
    Executed,
    /// What was left is gone.
    Cancelled,
    /// There is no such order.
    NotFound,
}

/// One report: 40 bytes.
#[derive(Clone, Copy, Debug)]
pub struct Report {
    pub what: What,
    pub side: Side,
    pub order: u32,
    pub other: u32,
    pub slot: u32,
    pub price: i32,
    /// Lots of this report.
    pub quantity: u64,
    /// Lots that are left.
    pub open: u64,
}

const _: () = assert!(size_of::<Message>() <= 32 && size_of::<Report>() <= 64);

/// A venue takes messages one by one and appends its reports.
pub trait Venue {
    fn apply(&mut self, message: &Message, reports: &mut Vec<Report>);
}

/// What the reports of a flow amount to.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Tally {
    /// Of all reports but where orders lie, in order.
    pub digest: u64,
    pub reports: u64,
    /// Executions of both sides, so twice the trades.
    pub executions: u64,
    /// Lots executed, both sides.
    pub executed: u64,
}

impl Tally {
    /// Takes reports in: a few instructions each, so that it hardly weighs in a measurement.
    #[inline]
    pub fn take(&mut self, reports: &[Report]) {
        for report in reports {
            let Report { what, order, other, price, quantity, open, .. } = *report;
            let names = u64::from(order) << 32 | u64::from(other);
            let amounts = quantity << 34 ^ open << 3 ^ (price as u32 as u64) << 14 ^ what as u64;
            self.digest = (self.digest.rotate_left(7) ^ names).wrapping_add(amounts);
            let executed = u64::from(what == What::Executed);
            self.executions += executed;
            self.executed += quantity * executed;
        }
        self.reports += reports.len() as u64;
    }
}

/// Plays a flow message by message.
#[inline]
pub fn play(venue: &mut impl Venue, messages: &[Message], reports: &mut Vec<Report>, tally: &mut Tally) {
    for message in messages {
        reports.clear();
        venue.apply(message, reports);
        tally.take(reports);
    }
}
