//! The memory that commands will touch, asked for before their turn.
//!
//! What a command costs is for the most part waiting for memory: a bucket leads to an order, and that to its neighbours
//! and its level. For several commands at once the same step is taken side by side, so that the waits fall together. Nothing comes of it but that:
//! whatever a command before changes meanwhile, its own turn finds.

use super::book::NONE;
use super::state::Exchange;
use crate::domain::{Command, OrderCommand, OrderPrice, Price};
use std::hint::black_box;

/// Commands that are looked at together.
pub const FORESEEN: usize = 8;

/// Where a command leads.
#[derive(Clone, Copy)]
struct Place {
    /// The order that it names, perhaps.
    order: u32,
    /// The level that it would join.
    level: u32,
}

const NOWHERE: Place = Place { order: NONE, level: NONE };

impl Exchange {
    /// Asks for the memory of the next commands, of [`FORESEEN`] at most. Changes nothing.
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
            // They are rare, or touch nothing that is far away.
            _ => NOWHERE,
        }
    }
}
