//! Books built from ITCH messages, as any receiver of the feed builds them.

#![deny(clippy::wildcard_enum_match_arm)]

use super::book::{Book, Print};
use super::table::Table;
use crate::domain::{OrderId, Symbol};
use crate::wire::itch::{Message, event_code};
use std::collections::BTreeMap;

/// A message that does not fit the messages before it: a message was missed, or the sender is wrong.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum BookError {
    /// The order is not in any book.
    #[error("a message of type {:?} about order {order}, which is not in the book", char::from(*.kind))]
    UnknownOrder { kind: u8, order: OrderId },
    /// The message removes more lots than the order has.
    #[error("order {order} has {shares} lots and cannot be reduced by {by}")]
    TooMany {
        order: OrderId,
        shares: u32,
        /// Lots to remove.
        by: u32,
    },
    /// The message adds an order that is already in a book.
    #[error("order {order} is added a second time")]
    Twice { order: OrderId },
    /// The instrument has no directory entry.
    #[error("a message of type {:?} about instrument {locate}, which was not announced", char::from(*.kind))]
    UnknownInstrument {
        kind: u8,
        /// The instrument's number.
        locate: u16,
    },
}

#[derive(Clone, Copy, Debug, Default)]
struct Resting {
    locate: u16,
    side: u8,
    price: u32,
    shares: u32,
}

/// The books of all instruments.
#[derive(Clone, Debug, Default)]
pub struct Books {
    books: BTreeMap<u16, Book>,
    orders: Table<Resting>,
}

impl Books {
    /// Applies the next message.
    ///
    /// # Errors
    /// [`BookError`]; the books are unchanged.
    pub fn apply(&mut self, message: &Message) -> Result<(), BookError> {
        let kind = message.kind();
        match message {
            Message::SystemEvent(m) if m.code == event_code::START_OF_MESSAGES => *self = Self::default(),
            Message::StockDirectory(m) => {
                let book = self.books.entry(m.locate).or_default();
                book.symbol = m.stock;
            }
            Message::TradingAction(m) => self.book_mut(kind, m.locate)?.act(m.state),
            Message::AddOrder(m) => self.add(kind, m.order, (m.locate, m.side, m.price, m.shares))?,
            Message::AddOrderAttributed(m) => {
                self.add(kind, m.order, (m.locate, m.side, m.price, m.shares))?;
            }
            Message::OrderExecuted(m) => {
                let order = self.take(kind, m.order, Some(m.shares))?;
                let (at_ns, shares) = (m.timestamp.get(), u64::from(m.shares));
                let print =
                    Print { at_ns, price: order.price, shares, match_number: m.match_number, cross: false };
                self.book_mut(kind, order.locate)?.print(print);
            }
            Message::OrderExecutedWithPrice(m) => {
                let order = self.take(kind, m.order, Some(m.shares))?;
                if m.printable == b'Y' {
                    let (at_ns, shares) = (m.timestamp.get(), u64::from(m.shares));
                    let print =
                        Print { at_ns, price: m.price, shares, match_number: m.match_number, cross: false };
                    self.book_mut(kind, order.locate)?.print(print);
                }
            }
            Message::OrderCancel(m) => drop(self.take(kind, m.order, Some(m.shares))?),
            Message::OrderDelete(m) => drop(self.take(kind, m.order, None)?),
            Message::OrderReplace(m) => {
                if m.order != m.old_order && self.orders.get(m.order.0).is_some() {
                    return Err(BookError::Twice { order: m.order });
                }
                if m.order.0 == 0 {
                    return Err(BookError::UnknownOrder { kind, order: m.order });
                }
                let old = self.take(kind, m.old_order, None)?;
                self.add(kind, m.order, (old.locate, old.side, m.price, m.shares))?;
            }
            Message::Trade(m) => {
                let (at_ns, shares) = (m.timestamp.get(), u64::from(m.shares));
                let print =
                    Print { at_ns, price: m.price, shares, match_number: m.match_number, cross: false };
                self.book_mut(kind, m.locate)?.print(print);
            }
            Message::CrossTrade(m) => {
                let book = self.book_mut(kind, m.locate)?;
                book.indicative = None;
                if m.shares > 0 {
                    let at_ns = m.timestamp.get();
                    let (price, shares) = (m.price, m.shares);
                    book.print(Print { at_ns, price, shares, match_number: m.match_number, cross: true });
                }
            }
            Message::Imbalance(m) => self.book_mut(kind, m.locate)?.indicative = Some(*m),
            // System events other than the start of messages do not change a book; the other types are never sent.
            Message::SystemEvent(_)
            | Message::RegSho(_)
            | Message::ParticipantPosition(_)
            | Message::MwcbLevels(_)
            | Message::MwcbStatus(_)
            | Message::IpoQuoting(_)
            | Message::LuldCollar(_)
            | Message::OperationalHalt(_)
            | Message::BrokenTrade(_)
            | Message::RetailInterest(_)
            | Message::DirectListing(_) => {}
        }
        Ok(())
    }

    fn book_mut(&mut self, kind: u8, locate: u16) -> Result<&mut Book, BookError> {
        self.books.get_mut(&locate).ok_or(BookError::UnknownInstrument { kind, locate })
    }

    fn add(
        &mut self,
        kind: u8,
        order: OrderId,
        (locate, side, price, shares): (u16, u8, u32, u32),
    ) -> Result<(), BookError> {
        if order.0 == 0 {
            return Err(BookError::UnknownOrder { kind, order });
        }
        if self.orders.get(order.0).is_some() {
            return Err(BookError::Twice { order });
        }
        self.book_mut(kind, locate)?.change(side, price, 0, u64::from(shares));
        self.orders.insert(order.0, Resting { locate, side, price, shares });
        Ok(())
    }

    /// Removes `by` lots from an order, or all with `None`. Returns the order as it was before.
    fn take(&mut self, kind: u8, order: OrderId, by: Option<u32>) -> Result<Resting, BookError> {
        let unknown = BookError::UnknownOrder { kind, order };
        let resting = self.orders.get_mut(order.0).ok_or(unknown)?;
        let before = *resting;
        let by = by.unwrap_or(before.shares);
        if by > before.shares {
            return Err(BookError::TooMany { order, shares: before.shares, by });
        }
        resting.shares -= by;
        let gone = resting.shares == 0;
        let (had, has) = (u64::from(before.shares), u64::from(before.shares - by));
        self.book_mut(kind, before.locate)?.change(before.side, before.price, had, has);
        if gone {
            self.orders.remove(order.0);
        }
        Ok(before)
    }

    /// The book of the instrument with this number.
    pub fn book(&self, locate: u16) -> Option<&Book> {
        self.books.get(&locate)
    }

    /// The book of the instrument with this symbol. If several have it, the one that was listed last.
    pub fn find(&self, symbol: Symbol) -> Option<(u16, &Book)> {
        self.books.iter().rev().find(|(_, book)| book.symbol == symbol).map(|(locate, book)| (*locate, book))
    }

    /// All books by number.
    pub fn iter(&self) -> impl Iterator<Item = (u16, &Book)> {
        self.books.iter().map(|(locate, book)| (*locate, book))
    }

    /// The number of orders in all books.
    pub fn orders(&self) -> usize {
        self.orders.len()
    }

    /// Removes all books and orders.
    pub fn clear(&mut self) {
        self.books.clear();
        self.orders.clear();
    }
}
