//! The table of client names, built from the records alone, so that it can be built beside the books on another thread.

use super::records::{OrderRecord, VenueRecord};
use super::refused::check;
use super::{Part, RestoreError};
use crate::domain::codec::decode_record;
use crate::exchange::NameKey;
use crate::exchange::client_refs::{ClientRefs, Filling};
use std::hint::black_box;

/// How many orders have their buckets computed and prefetched before the first of them is added, so that the processor
/// waits for many memory locations at once.
const BATCH: usize = 64;

/// The client names of an exchange that is being restored.
#[derive(Debug)]
pub struct Names {
    key: NameKey,
    bytes_max: u64,
    filling: Option<Filling>,
    entered: u64,
    orders: u64,
}

impl Names {
    /// Starts before the first record. At most `bytes_max` bytes of records will come.
    pub fn new(key: NameKey, bytes_max: u64) -> Self {
        Self { key, bytes_max, filling: None, entered: 0, orders: 0 }
    }

    /// Processes the next records of a part before [`Restoring::take`](super::Restoring::take) does, and stores in
    /// `chained` what that function needs: for each order the next one in its chain of names.
    ///
    /// # Errors
    /// If two orders have one name, or if records cannot be right.
    pub fn prepare(&mut self, part: Part, bytes: &[u8], chained: &mut Vec<u32>) -> Result<(), RestoreError> {
        let at_start = |why| RestoreError { at: 0, why };
        chained.clear();
        if part == Part::Venue {
            let (venue, _): (VenueRecord, usize) =
                decode_record(bytes).map_err(|_| at_start("record cannot be decoded"))?;
            venue.check_orders(self.bytes_max).map_err(at_start)?;
            let filling = Filling::try_new(venue.limits.orders_max, self.key, venue.orders);
            self.filling =
                Some(filling.ok_or(at_start("not enough memory for the declared number of orders"))?);
            self.orders = venue.orders.into();
        }
        if part == Part::Orders
            && let Some(filling) = &mut self.filling
        {
            let (records, _) = bytes.as_chunks();
            self.entered += records.len() as u64;
            check(self.entered <= self.orders, "more records than declared").map_err(at_start)?;
            let mut buckets = [0; BATCH];
            for batch in records.chunks(BATCH) {
                let mut seen = 0;
                for (bucket, record) in buckets.iter_mut().zip(batch) {
                    let (login, user_ref) = OrderRecord::read_name(record);
                    let (at, first) = filling.bucket(login, user_ref);
                    (*bucket, seen) = (at, seen ^ first);
                }
                black_box(seen);
                for (bucket, record) in buckets.iter().zip(batch) {
                    let (login, user_ref) = OrderRecord::read_name(record);
                    let at = chained.len() * OrderRecord::BYTES;
                    let next = filling.enter(*bucket, login, user_ref);
                    chained.push(
                        next.ok_or(RestoreError { at, why: "two orders share a login and UserRefNum" })?,
                    );
                }
            }
        }
        Ok(())
    }

    pub(super) fn finish(self) -> Option<ClientRefs> {
        self.filling.map(Filling::finish)
    }
}
