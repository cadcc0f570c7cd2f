//! What a flow asks of the ranking of prices, recorded from the book and played to each structure.

use super::flow::{Message, Report, Venue, What};
use super::structures::PriceIndex;
use super::venue::Dojima;
use dojima::domain::Side;
use std::collections::HashMap;

/// One request: on which side, and which key; `level` is the number that a new level gets.
#[derive(Clone, Copy)]
pub enum Ask {
    Join { side: u8, key: i32, level: u32 },
    Close { side: u8, key: i32 },
}

/// Follows the reports of a venue: which levels open and close.
#[derive(Default)]
pub struct Recorder {
    orders: HashMap<u32, (u8, i32)>,
    levels: [HashMap<i32, u32>; 2],
    next: u32,
    pub asks: Vec<Ask>,
}

impl Recorder {
    pub fn follow(&mut self, reports: &[Report]) {
        for report in reports {
            match report.what {
                What::Added => {
                    let key = if report.side == Side::Buy { report.price } else { !report.price };
                    let side = report.side as u8;
                    self.orders.insert(report.order, (side, key));
                    *self.levels[usize::from(side)].entry(key).or_insert(0) += 1;
                    self.next += 1;
                    self.asks.push(Ask::Join { side, key, level: self.next });
                }
                What::Cancelled | What::Executed if report.open == 0 => self.end(report.order),
                What::Cancelled | What::Executed | What::Accepted | What::NotFound => {}
            }
        }
    }

    fn end(&mut self, order: u32) {
        let Some((side, key)) = self.orders.remove(&order) else { return };
        let count = self.levels[usize::from(side)].get_mut(&key).expect("it has a level");
        *count -= 1;
        if *count == 0 {
            self.levels[usize::from(side)].remove(&key);
            self.asks.push(Ask::Close { side, key });
        }
    }
}

/// What these messages ask for, after those that fill the book.
pub fn record(fill: &[Message], messages: &[Message]) -> (Vec<Ask>, Vec<Ask>) {
    let (mut venue, mut recorder, mut reports) = (Dojima::new(1 << 20), Recorder::default(), Vec::new());
    let mut part = |messages: &[Message]| {
        for message in messages {
            reports.clear();
            venue.apply(message, &mut reports);
            recorder.follow(&reports);
        }
        std::mem::take(&mut recorder.asks)
    };
    (part(fill), part(messages))
}

/// Both sides of a structure.
pub fn ask<I: PriceIndex>(sides: &mut [I; 2], asks: &[Ask]) -> u64 {
    let mut digest = 0_u64;
    for ask in asks {
        let (side, level) = match *ask {
            Ask::Join { side, key, level } => (side, sides[usize::from(side & 1)].join(key, level)),
            Ask::Close { side, key } => {
                sides[usize::from(side & 1)].close(key);
                (side, 0)
            }
        };
        let (key, best) = sides[usize::from(side & 1)].best().unwrap_or((0, 0));
        let seen = u64::from(level) ^ u64::from(best) << 24 ^ u64::from(key as u32) << 32;
        digest = digest.rotate_left(5).wrapping_add(seen);
    }
    digest
}
