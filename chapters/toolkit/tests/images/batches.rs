//! The order of images depends on the seed and the batch's number, and on nothing else.

use std::collections::BTreeSet;

use toolkit::batches::Batches;

fn batches(count: usize, batch_size: usize, seed: u64) -> Batches {
    Batches::new((100..100 + count).collect(), batch_size, seed).unwrap()
}

#[test]
fn every_image_comes_once_an_epoch() {
    let mut batches = batches(60, 12, 7);
    assert_eq!(batches.per_epoch(), 5);
    let mut orders = BTreeSet::new();
    for epoch in 0..3 {
        let order: Vec<usize> =
            (0..5).flat_map(|batch| batches.indices(epoch * 5 + batch).to_vec()).collect();
        let all: BTreeSet<usize> = order.iter().copied().collect();
        assert_eq!(all, (100..160).collect());
        orders.insert(order);
    }
    assert_eq!(orders.len(), 3, "every epoch has an order of its own");
}

#[test]
fn the_last_partial_batch_is_left_out() {
    let mut batches = batches(10, 4, 0);
    assert_eq!(batches.per_epoch(), 2);
    let mut epoch = [batches.indices(0).to_vec(), batches.indices(1).to_vec()].concat();
    epoch.sort_unstable();
    epoch.dedup();
    assert_eq!(epoch.len(), 8);
}

#[test]
fn a_number_gives_the_same_batch_in_any_order_of_calls() {
    let mut forward = batches(50, 7, 3);
    let expected: Vec<Vec<usize>> = (0..40).map(|n| forward.indices(n).to_vec()).collect();
    let mut backward = batches(50, 7, 3);
    for number in (0..40).rev() {
        assert_eq!(backward.indices(number), expected[number as usize]);
    }
    let mut resumed = batches(50, 7, 3);
    assert_eq!(resumed.indices(33), expected[33]);
}

#[test]
fn seeds_differ_and_stay_as_they_are() {
    assert_ne!(batches(50, 50, 1).indices(0), batches(50, 50, 2).indices(0));
    // A resumed run rests on this order: a change of it needs a note to whoever has checkpoints.
    assert_eq!(batches(10, 10, 0).indices(0), [102, 108, 106, 101, 109, 105, 107, 104, 100, 103]);
}

#[test]
fn a_batch_larger_than_the_set_is_refused() {
    let refusal =
        |batch_size| Batches::new(vec![1, 2, 3], batch_size, 0).err().unwrap().to_string();
    assert_eq!(refusal(4), "batch size 4 is larger than the set: 3 images to train on");
    assert_eq!(refusal(0), "the batch size must be at least 1");
}
