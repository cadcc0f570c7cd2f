//! The set of connections that are ready, so that idle connections cost nothing.

/// A set of places that are ready, one bit each.
pub struct ReadySet(Vec<u64>);

impl ReadySet {
    /// An empty set with room for this many places.
    pub fn new(places: usize) -> Self {
        Self(vec![0; places.div_ceil(64)])
    }

    /// Sets whether the place is ready.
    #[inline]
    pub fn set(&mut self, place: usize, has: bool) {
        if let Some(word) = self.0.get_mut(place / 64) {
            let bit = 1 << (place % 64);
            *word = if has { *word | bit } else { *word & !bit };
        }
    }

    /// The first ready place from this one on.
    #[inline]
    pub fn next_from(&self, place: usize) -> Option<usize> {
        let mut at = place / 64;
        let mut word = self.0.get(at)? & (u64::MAX << (place % 64));
        while word == 0 {
            at += 1;
            word = *self.0.get(at)?;
        }
        Some(at * 64 + word.trailing_zeros() as usize)
    }
}

#[cfg(test)]
mod tests {
    use super::ReadySet;

    #[test]
    fn places_are_found_in_their_order() {
        let mut ready = ReadySet::new(200);
        let places = [0, 1, 63, 64, 127, 130, 199];
        places.iter().for_each(|place| ready.set(*place, true));
        ready.set(100, true);
        ready.set(100, false);
        ready.set(9_999, true);
        let mut found = Vec::new();
        let mut from = 0;
        while let Some(place) = ready.next_from(from) {
            found.push(place);
            from = place + 1;
        }
        assert_eq!(found, places);
        assert_eq!(ready.next_from(200), None);
    }
}
