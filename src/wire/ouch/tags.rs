//! The appendage: optional TagValues after a message's fixed part, each `u8 length · u8 tag · value`, where the length
//! counts the tag and the value.

/// The bytes of a message's TagValues, unread.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Appendage<'a>(pub &'a [u8]);

/// One TagValue.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Tag<'a> {
    /// Which one (OUCH 5.0 §2.4 in docs/PROTOCOL.md; the constants here).
    pub tag: u8,
    /// Its value, as it came.
    pub value: &'a [u8],
}

/// An appendage that does not divide into TagValues.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the optional tags end in the middle of one, or one has length 0")]
pub struct TagError;

/// Firm: four characters naming the firm that an order is for.
pub const FIRM: u8 = 2;
/// MinQty: least quantity of an execution.
pub const MIN_QTY: u8 = 3;
/// CustomerType: R retail, N not, space as the port is set up.
pub const CUSTOMER_TYPE: u8 = 4;
/// MaxFloor: quantity shown of a reserve order.
pub const MAX_FLOOR: u8 = 5;
/// PriceType: L limit, others are pegs.
pub const PRICE_TYPE: u8 = 6;
/// PegOffset: signed distance from the peg.
pub const PEG_OFFSET: u8 = 7;
/// DiscretionPrice.
pub const DISCRETION_PRICE: u8 = 9;
/// DiscretionPriceType: L limit, others are pegs.
pub const DISCRETION_PRICE_TYPE: u8 = 10;
/// DiscretionPegOffset: signed distance from the peg.
pub const DISCRETION_PEG_OFFSET: u8 = 11;
/// PostOnly: P or N.
pub const POST_ONLY: u8 = 12;
/// RandomReserves: range of the random refresh.
pub const RANDOM_RESERVES: u8 = 13;
/// Route: where to route to.
pub const ROUTE: u8 = 14;
/// ExpireTime: seconds since midnight.
pub const EXPIRE_TIME: u8 = 15;
/// TradeNow: Y, N or space.
pub const TRADE_NOW: u8 = 16;
/// HandleInst: handling instruction.
pub const HANDLE_INST: u8 = 17;
/// DisplayQuantity: lots shown now.
pub const DISPLAY_QUANTITY: u8 = 22;
/// GroupID: for cancelling in groups.
pub const GROUP_ID: u8 = 24;
/// SharesLocated: Y or N.
pub const SHARES_LOCATED: u8 = 25;
/// LocateBroker: four characters.
pub const LOCATE_BROKER: u8 = 26;
/// Side of the orders that a mass cancel is for: B or S.
pub const SIDE: u8 = 27;
/// UserRefIdx: the channel whose numbers an order is numbered by.
pub const USER_REF_IDX: u8 = 28;

impl<'a> Appendage<'a> {
    /// The TagValues one after the other; an error, after which nothing comes, where they cannot be told apart.
    #[inline]
    pub fn tags(self) -> Tags<'a> {
        Tags { rest: self.0 }
    }
}

/// Iterator over TagValues.
#[derive(Clone, Debug)]
pub struct Tags<'a> {
    rest: &'a [u8],
}

impl<'a> Iterator for Tags<'a> {
    type Item = Result<Tag<'a>, TagError>;

    #[inline]
    fn next(&mut self) -> Option<Self::Item> {
        let (len, rest) = self.rest.split_first()?;
        let tag = match rest.get(..usize::from(*len)) {
            Some([tag, value @ ..]) => {
                self.rest = &rest[usize::from(*len)..];
                Ok(Tag { tag: *tag, value })
            }
            _ => {
                self.rest = &[];
                Err(TagError)
            }
        };
        Some(tag)
    }
}

/// TagValues as they are put together.
#[derive(Clone, Copy, Debug, Default)]
pub struct TagBuffer {
    bytes: [u8; Self::LEN_MAX],
    len: usize,
}

impl TagBuffer {
    /// Room for Firm, MaxFloor, PostOnly and ExpireTime: the most that one message carries.
    pub const LEN_MAX: usize = 3 * 6 + 3;

    /// Adds one.
    ///
    /// # Panics
    /// When there are more than [`Self::LEN_MAX`] bytes.
    #[inline]
    pub fn push<const N: usize>(&mut self, tag: u8, value: [u8; N]) {
        let at = self.len;
        self.bytes[at] = N as u8 + 1;
        self.bytes[at + 1] = tag;
        self.bytes[at + 2..at + 2 + N].copy_from_slice(&value);
        self.len = at + 2 + N;
    }

    /// Those that were added.
    #[inline]
    pub fn appendage(&self) -> Appendage<'_> {
        Appendage(&self.bytes[..self.len])
    }
}
