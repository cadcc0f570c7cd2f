//! Prefetches the memory that the next commands will use.
//!
//! Most of a command's time is spent waiting for memory: a bucket leads to an order, and the order to its neighbours
//! and level. This code takes the same step for several commands together, so that their waits overlap. It has no other
//! effect: if an earlier command changes something meanwhile, the command itself finds the new state.

use super::book::NONE;
use super::state::Exchange;
use crate::domain::{Command, OrderCommand, OrderPrice, Price};
use std::hint::black_box;

/// How many commands are prefetched together.
pub const FORESEEN: usize = 8;

/// The memory that a command will use.
#[derive(Clone, Copy)]
struct Place {
    /// The order that it may refer to.
    order: u32,
    /// The level that it would join.
    level: u32,
}

const NOWHERE: Place = Place { order: NONE, level: NONE };

impl Exchange {
    /// Prefetches the memory of at most [`FORESEEN`] next commands. Changes nothing.
    #[inline]
    pub fn foresee<'c>(&self, commands: impl Iterator<Item = &'c Command>) {
        let mut places = [NOWHERE; FORESEEN];
        for (place, command) in places.iter_mut().zip(commands) {
            *place = self.leads_to(command);
        }
        let orders = &self.shared.orders;
        let mut near = [[NONE; 3]; FORESEEN];
        for (near, place) in near.iter_mut().zip(places) {
            *near = orders.neighbours(place.order, place.level);
        }
        let touched = near.into_iter().flatten().fold(0, |touched, at| touched ^ orders.glance(at));
        black_box(touched);
    }

    #[inline]
    fn leads_to(&self, command: &Command) -> Place {
        let refs = &self.shared.client_refs;
        match command {
            Command::Order(OrderCommand::Cancel(cancel)) => {
                Place { order: refs.first(cancel.login, cancel.user_ref), ..NOWHERE }
            }
            Command::Order(OrderCommand::Replace(replace)) => {
                Place { order: refs.first(replace.login, replace.orig_user_ref), ..NOWHERE }
            }
            Command::Order(OrderCommand::Enter(enter)) => {
                let instrument = self.instruments.get(enter.instrument.0 as usize);
                let level = match (instrument, enter.price) {
                    (Some(instrument), OrderPrice::Limit(units)) => {
                        let ticks = units / i64::from(instrument.listing.tick_units.max(1));
                        instrument.book.level_at(&self.shared.orders, enter.side, Price(ticks))
                    }
                    (Some(_), OrderPrice::Market) | (None, _) => NONE,
                };
                Place { level, ..NOWHERE }
            }
            // They are rare, or use no distant memory.
            _ => NOWHERE,
        }
    }
}
