//! An array that grows without moving its elements.

/// Elements by number, in pieces of `N`. Growth adds a piece; no element is copied.
#[derive(Clone, Debug)]
pub(super) struct Chunks<T, const N: usize> {
    pieces: Vec<Box<[T; N]>>,
    len: usize,
}

impl<T, const N: usize> Default for Chunks<T, N> {
    fn default() -> Self {
        Self { pieces: Vec::new(), len: 0 }
    }
}

impl<T: Copy, const N: usize> Chunks<T, N> {
    pub(super) fn len(&self) -> usize {
        self.len
    }

    /// Appends a value; returns its number.
    pub(super) fn push(&mut self, value: T) -> u32 {
        let at = self.len;
        if at == self.pieces.len() * N {
            self.pieces.push(Box::new([value; N]));
        }
        self.pieces[at / N][at % N] = value;
        self.len += 1;
        at as u32
    }

    #[inline]
    pub(super) fn at(&self, at: u32) -> &T {
        &self.pieces[at as usize / N][at as usize % N]
    }

    #[inline]
    pub(super) fn at_mut(&mut self, at: u32) -> &mut T {
        &mut self.pieces[at as usize / N][at as usize % N]
    }
}
