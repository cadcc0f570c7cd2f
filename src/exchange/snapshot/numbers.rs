//! Sorts orders by number: they are stored in book order, but chained by number.

/// The indexes of these numbers, sorted by number; `None` if two are equal. There are fewer than 2^32.
pub(super) fn places_by_number(mut numbers: Vec<u64>) -> Option<impl Iterator<Item = u32>> {
    let lowest = numbers.iter().copied().min().unwrap_or_default();
    let span = numbers.iter().max().map_or(0, |highest| highest - lowest);
    let place_bits = u64::BITS - (numbers.len() as u64).leading_zeros();
    let mask = (1 << place_bits) - 1;
    let all_differ = if span.leading_zeros() >= place_bits {
        // Usually number and index fit one word, which sorts several times as fast as pairs.
        let words = numbers.iter_mut().zip(0..);
        words.for_each(|(number, place)| *number = (*number - lowest) << place_bits | place);
        numbers.sort_unstable();
        numbers.is_sorted_by(|one, next| one >> place_bits < next >> place_bits)
    } else {
        let mut pairs: Vec<(u64, u64)> = numbers.iter().copied().zip(0..).collect();
        pairs.sort_unstable();
        numbers.iter_mut().zip(&pairs).for_each(|(word, (_, place))| *word = *place);
        pairs.is_sorted_by(|one, next| one.0 < next.0)
    };
    all_differ.then(|| numbers.into_iter().map(move |word| (word & mask) as u32))
}

#[cfg(test)]
mod tests {
    use super::places_by_number;

    #[test]
    fn sorts_numbers_that_are_near_and_far_apart() {
        for (numbers, expected) in [
            (&[][..], Some(&[][..])),
            (&[7], Some(&[0])),
            (&[30, 10, 20], Some(&[1, 2, 0])),
            (&[30, 10, 30], None),
            (&[u64::MAX, 1, 5, u64::MAX - 1], Some(&[1, 2, 3, 0])),
            (&[u64::MAX, 1, u64::MAX], None),
            (&[1 << 61, 2, 1], Some(&[2, 1, 0])),
            (&[1 << 62, 2, 1], Some(&[2, 1, 0])),
        ] {
            let places = places_by_number(numbers.to_vec()).map(Vec::from_iter);
            assert_eq!(places.as_deref(), expected, "{numbers:?}");
        }
    }
}
