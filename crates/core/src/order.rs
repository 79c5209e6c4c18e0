//! Sorting in one place: what the standard library makes of it is kilobytes long for each type and
//! each comparison, and a page has to load them.

use core::cmp::Ordering;

/// The numbers below `len` in the order that `compare` gives them.
fn order(len: usize, compare: &mut dyn FnMut(usize, usize) -> Ordering) -> Vec<usize> {
    let mut order: Vec<usize> = (0..len).collect();
    order.sort_unstable_by(|one, other| compare(*one, *other));
    order
}

/// The items in the order that `compare` gives them.
#[must_use]
pub fn ordered<T>(items: Vec<T>, mut compare: impl FnMut(&T, &T) -> Ordering) -> Vec<T> {
    let order = order(items.len(), &mut |one, other| {
        compare(&items[one], &items[other])
    });
    let mut items: Vec<Option<T>> = items.into_iter().map(Some).collect();
    let taken = order.into_iter().filter_map(|place| items[place].take());
    taken.collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn items_come_in_their_order() {
        let items = vec!["c", "a", "b", "a"];
        assert_eq!(
            ordered(items, |one, other| one.cmp(other)),
            ["a", "a", "b", "c"]
        );
        assert_eq!(ordered(Vec::<u8>::new(), Ord::cmp), [0; 0]);
        assert_eq!(order(3, &mut |one, other| other.cmp(&one)), [2, 1, 0]);
    }
}
