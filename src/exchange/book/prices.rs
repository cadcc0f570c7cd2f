//! The prices of one side: a map from key to level, highest key first.
//!
//! Neighbouring ticks share a page: one bit per tick that has a level, and the level's number. Recently used pages are
//! found directly by number, the others through a tree ([`Ranks`]). So almost every order finds its level with three
//! loads and no search. Distant prices cost one page each and nothing more: ticks without orders use no memory, and
//! only a few entries of the tree are ever moved.

use super::ranks::{Blocks, Ranks};

/// Ticks per page.
const TICKS: i32 = 32;
/// Pages that each side finds directly.
const RECENT: usize = 32;
/// Pages per allocation: 8.5 KiB.
const PIECE: usize = 64;
/// A number that no page has, because keys have 32 bits.
const NO_NUMBER: i32 = i32::MAX;
/// A page without a number, used before any page is known.
const BLANK: u32 = 0;

/// A set of 32 neighbouring ticks that have levels, with the levels' numbers.
#[derive(Clone, Copy, Debug)]
struct Page {
    bits: u32,
    /// Its keys divided by [`TICKS`].
    number: i32,
    /// The levels. In a free page, the first is the next free page.
    slots: [u32; TICKS as usize],
}

impl Page {
    const FREE: Self = Self { bits: 0, number: NO_NUMBER, slots: [BLANK; TICKS as usize] };

    /// The highest key and its level.
    fn last(&self) -> Option<(i32, u32)> {
        let at = self.bits.checked_ilog2()?;
        Some((self.number * TICKS + at as i32, self.slots[at as usize % TICKS as usize]))
    }
}

/// The pages of all books, and the blocks of the trees that find them. They are allocated in pieces, so that growth
/// never moves existing ones.
#[derive(Clone, Debug)]
pub struct PricePages {
    pieces: Vec<Box<[Page; PIECE]>>,
    free: u32,
    blocks: Blocks,
}

impl Default for PricePages {
    /// One piece.
    fn default() -> Self {
        let mut pages = Self { pieces: Vec::new(), free: BLANK, blocks: Blocks::default() };
        pages.grow();
        pages
    }
}

impl PricePages {
    #[inline]
    fn at(&self, page: u32) -> &Page {
        &self.pieces[page as usize / PIECE][page as usize % PIECE]
    }

    #[inline]
    fn at_mut(&mut self, page: u32) -> &mut Page {
        &mut self.pieces[page as usize / PIECE][page as usize % PIECE]
    }

    fn alloc(&mut self, number: i32) -> u32 {
        if self.free == BLANK {
            self.grow();
        }
        let page = self.free;
        self.free = self.at(page).slots[0];
        self.at_mut(page).number = number;
        page
    }

    fn free(&mut self, page: u32) {
        let free = std::mem::replace(&mut self.free, page);
        let page = self.at_mut(page);
        (page.number, page.slots[0]) = (NO_NUMBER, free);
    }

    #[cold]
    fn grow(&mut self) {
        let first = self.pieces.len() * PIECE;
        self.pieces.push(Box::new([Page::FREE; PIECE]));
        (first..first + PIECE)
            .rev()
            .filter(|page| *page != BLANK as usize)
            .for_each(|page| self.free(page as u32));
    }

    /// Allocates the memory for levels on this many pages, all books together.
    pub fn reserve(&mut self, pages: usize) {
        while self.pieces.len() * PIECE <= pages {
            self.grow();
        }
        self.blocks.reserve(pages);
    }
}

/// The prices of one side, as keys that increase towards the best price.
#[derive(Clone, Debug)]
pub struct Prices {
    /// Recently used pages, indexed by the last bits of their numbers.
    recent: [u32; RECENT],
    pages: Ranks,
}

impl Default for Prices {
    fn default() -> Self {
        Self { recent: [BLANK; RECENT], pages: Ranks::default() }
    }
}

impl Prices {
    /// The level of this key; if there was none, the one that `open` creates, and whether that happened.
    #[inline]
    pub fn find_or_insert(
        &mut self,
        pages: &mut PricePages,
        key: i32,
        open: impl FnOnce() -> u32,
    ) -> (u32, bool) {
        let page = self.page(pages, key.div_euclid(TICKS));
        let page = pages.at_mut(page);
        let at = key.rem_euclid(TICKS);
        let level = &mut page.slots[at as usize];
        if page.bits & 1 << at != 0 {
            return (*level, false);
        }
        page.bits |= 1 << at;
        *level = open();
        (*level, true)
    }

    /// The page with this number, created if it does not exist.
    #[inline]
    fn page(&mut self, pages: &mut PricePages, number: i32) -> u32 {
        let recent = self.recent[number as usize % RECENT];
        if pages.at(recent).number == number { recent } else { self.find_page(pages, number) }
    }

    #[inline(never)]
    fn find_page(&mut self, pages: &mut PricePages, number: i32) -> u32 {
        let place = self.pages.find(&pages.blocks, number);
        let page = place.number.unwrap_or_else(|| {
            let page = pages.alloc(number);
            self.pages.insert(&mut pages.blocks, place, number, page);
            page
        });
        self.recent[number as usize % RECENT] = page;
        page
    }

    /// Removes an existing key. Returns the highest remaining key of its page with its level.
    #[inline]
    pub fn remove(&mut self, pages: &mut PricePages, key: i32) -> Option<(i32, u32)> {
        let number = key.div_euclid(TICKS);
        let page_at = self.page(pages, number);
        let page = pages.at_mut(page_at);
        page.bits &= !(1 << key.rem_euclid(TICKS));
        if page.bits == 0 {
            self.recent[number as usize % RECENT] = BLANK;
            pages.free(page_at);
            self.pages.remove(&mut pages.blocks, number);
            return None;
        }
        page.last()
    }

    /// The highest key and its level.
    pub fn last(&self, pages: &PricePages) -> Option<(i32, u32)> {
        let (_, page) = self.pages.last(&pages.blocks)?;
        pages.at(page).last()
    }

    /// The level of this key, if there is one.
    pub fn find(&self, pages: &PricePages, key: i32) -> Option<u32> {
        let page = pages.at(self.known_page(pages, key.div_euclid(TICKS))?);
        let at = key.rem_euclid(TICKS);
        (page.bits & 1 << at != 0).then(|| page.slots[at as usize])
    }

    /// The highest key below this one, with its level. This key need not exist.
    pub fn below(&self, pages: &PricePages, key: i32) -> Option<(i32, u32)> {
        let number = key.div_euclid(TICKS);
        let beside = self.known_page(pages, number).and_then(|page| {
            let page = pages.at(page);
            let bits = page.bits & ((1 << key.rem_euclid(TICKS)) - 1);
            Page { bits, ..*page }.last()
        });
        beside.or_else(|| {
            let (_, page) = self.pages.below(&pages.blocks, number)?;
            pages.at(page).last()
        })
    }

    /// The page with this number, if it exists.
    fn known_page(&self, pages: &PricePages, number: i32) -> Option<u32> {
        let recent = self.recent[number as usize % RECENT];
        if pages.at(recent).number == number {
            return Some(recent);
        }
        self.pages.find(&pages.blocks, number).number
    }

    /// All keys and levels, highest key first.
    pub fn descend<'a>(&self, pages: &'a PricePages) -> impl Iterator<Item = (i32, u32)> + 'a {
        self.pages.descend(&pages.blocks).flat_map(|(_, page)| {
            let mut page = *pages.at(page);
            std::iter::from_fn(move || {
                let (key, level) = page.last()?;
                page.bits &= !(1 << key.rem_euclid(TICKS));
                Some((key, level))
            })
        })
    }
}
