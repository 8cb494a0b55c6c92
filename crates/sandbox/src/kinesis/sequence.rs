//! Sequence numbers: decimal digits, longer than any integer, that grow with the time of a record.

/// Digits of the whole, as in AWS.
const DIGITS: usize = 56;
/// What all of them begin with, as in AWS.
const HEAD: &str = "49";
const STREAM_DIGITS: usize = 20;

/// The sequence number of a record by its stream's id and its number there. Those of a later stream are greater, also when it
/// has the name of an earlier one.
pub(crate) fn sequence_number(stream_id: i64, number: i64) -> String {
    let rest = DIGITS - HEAD.len() - STREAM_DIGITS;
    format!("{HEAD}{stream_id:0STREAM_DIGITS$}{number:0rest$}")
}

/// The number of a record of this stream.
pub(super) fn parse_sequence_number(text: &str, stream_id: i64) -> Option<i64> {
    let (of_stream, number) = text.strip_prefix(HEAD)?.split_at_checked(STREAM_DIGITS)?;
    let digits = text.len() == DIGITS && text.bytes().all(|byte| byte.is_ascii_digit());
    let of_stream: i64 = of_stream.parse().ok().filter(|_| digits)?;
    number.parse().ok().filter(|_| of_stream == stream_id)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn is_read_by_its_own_stream_only() {
        let text = sequence_number(3, 41);
        assert_eq!(text, "49000000000000000000030000000000000000000000000000000041");
        assert_eq!(parse_sequence_number(&text, 3), Some(41));
        assert_eq!(parse_sequence_number(&text, 4), None);
        for wrong in ["", "0", "49", &text[..55], &format!("{text}0"), &text.replace('3', "x"), "4ä"] {
            assert_eq!(parse_sequence_number(wrong, 3), None, "{wrong}");
        }
    }

    proptest::proptest! {
        #[test]
        fn texts_are_ordered_as_their_records(a in (1_i64.., 0_i64..), b in (1_i64.., 0_i64..)) {
            let text = |(stream, number)| sequence_number(stream, number);
            proptest::prop_assert_eq!(text(a).cmp(&text(b)), a.cmp(&b));
            proptest::prop_assert_eq!(parse_sequence_number(&text(a), a.0), Some(a.1));
        }
    }
}
