//! The order in which keys are written, so that they fill their pages.
//!
//! redb splits a full page in the middle. Keys that are written in ascending order go behind the
//! split each time, so they would leave every page half empty. Therefore three of five keys are
//! written first, and then the others, which fill the pages to five sixths. The last sixth is left
//! because keys and values have different lengths: a page that overflows is split again.

/// Fewer keys than this are written in their order: they hardly fill a page.
const FEWEST: usize = 32;

/// Returns items in the order in which to write them. Their keys are ascending, each once.
pub(super) fn filling<T>(items: &[T]) -> impl Iterator<Item = &T> {
    let is_few = items.len() < FEWEST;
    let is_first = move |place: usize| is_few || (place % 5).is_multiple_of(2);
    let pass = move |first: bool| {
        let places = items.iter().enumerate().filter(move |(place, _)| is_first(*place) == first);
        places.map(|(_, item)| item)
    };
    pass(true).chain(pass(false))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_item_comes_once() {
        for len in [0, 1, FEWEST - 1, FEWEST, FEWEST + 1, 1_000, 1_004] {
            let items: Vec<usize> = (0..len).collect();
            let mut written: Vec<usize> = filling(&items).copied().collect();
            assert_eq!(written.is_sorted(), len < FEWEST);
            written.sort_unstable();
            assert_eq!(written, items);
        }
    }
}
