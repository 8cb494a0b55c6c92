//! Shards: their names, their ranges of hash keys, and which of them a record belongs to.

use md5::{Digest as _, Md5};

/// `shardId-000000000000`
pub(crate) fn shard_id(shard: u32) -> String {
    format!("shardId-{shard:012}")
}

/// The number of a shard of a stream that has so many.
pub(super) fn parse_shard_id(text: &str, shard_count: u32) -> Option<u32> {
    let digits = text.strip_prefix("shardId-").filter(|digits| digits.len() == 12)?;
    digits.parse().ok().filter(|shard| *shard < shard_count)
}

/// The hash key of a partition key: its MD5 as a number of 128 bits.
pub(super) fn hash_key(partition_key: &str) -> u128 {
    u128::from_be_bytes(Md5::digest(partition_key.as_bytes()).into())
}

/// The first and the last hash key of a shard. The shards of a stream divide all 128-bit numbers evenly; the last one takes
/// what is left over.
pub(super) fn hash_range(shard: u32, shard_count: u32) -> (u128, u128) {
    let last = if shard + 1 >= shard_count { u128::MAX } else { width(shard_count) * u128::from(shard + 1) - 1 };
    (if shard == 0 { 0 } else { width(shard_count) * u128::from(shard) }, last)
}

/// The shard whose range has this hash key.
pub(super) fn shard_of(hash_key: u128, shard_count: u32) -> u32 {
    if shard_count < 2 {
        return 0;
    }
    let shard = u32::try_from(hash_key / width(shard_count)).unwrap_or(u32::MAX);
    shard.min(shard_count - 1)
}

/// 2^128 divided by the number of shards, which must be two or more.
fn width(shard_count: u32) -> u128 {
    let shard_count = u128::from(shard_count);
    u128::MAX / shard_count + u128::from(u128::MAX % shard_count == shard_count - 1)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ranges_are_those_of_aws() {
        let of = |count: u32| (0..count).map(|shard| hash_range(shard, count)).collect::<Vec<_>>();
        assert_eq!(of(1), [(0, u128::MAX)]);
        let half = 170_141_183_460_469_231_731_687_303_715_884_105_728;
        assert_eq!(of(2), [(0, half - 1), (half, u128::MAX)]);
        let third = 113_427_455_640_312_821_154_458_202_477_256_070_485;
        assert_eq!(of(3), [(0, third - 1), (third, 2 * third - 1), (2 * third, u128::MAX)]);
    }

    #[test]
    fn names_are_read_as_they_are_written() {
        assert_eq!(shard_id(7), "shardId-000000000007");
        assert_eq!(parse_shard_id("shardId-000000000007", 8), Some(7));
        for wrong in ["shardId-000000000008", "shardId-7", "shardId-00000000000x", "000000000007", ""] {
            assert_eq!(parse_shard_id(wrong, 8), None, "{wrong}");
        }
    }

    #[test]
    fn a_partition_key_is_hashed_with_md5() {
        assert_eq!(format!("{:032x}", hash_key("a")), "0cc175b9c0f1b6a831c399e269772661");
    }

    proptest::proptest! {
        #[test]
        fn every_hash_key_is_in_the_range_of_its_shard(hash_key: u128, count in 1_u32..=1000) {
            let shard = shard_of(hash_key, count);
            let (first, last) = hash_range(shard, count);
            proptest::prop_assert!((first..=last).contains(&hash_key));
        }

        #[test]
        fn ranges_touch_and_leave_nothing_out(count in 1_u32..=1000) {
            let mut next = Some(0);
            for shard in 0..count {
                let (first, last) = hash_range(shard, count);
                proptest::prop_assert_eq!(Some(first), next);
                proptest::prop_assert!(first <= last);
                next = last.checked_add(1);
            }
            proptest::prop_assert_eq!(next, None);
        }
    }
}
