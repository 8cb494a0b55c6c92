//! Conditions of policy statements, and the patterns in them.

use std::collections::BTreeMap;

use super::policy_document::{OneOrMany, Scalar};

/// The condition keys of one request, in lower case.
#[derive(Clone, Debug, Default)]
pub(super) struct ConditionKeys(pub BTreeMap<&'static str, String>);

impl ConditionKeys {
    /// Whether all conditions of a statement hold.
    pub(super) fn meet(&self, conditions: &BTreeMap<String, BTreeMap<String, OneOrMany<Scalar>>>) -> bool {
        conditions.iter().all(|(operator, keys)| {
            keys.iter().all(|(key, wanted)| {
                let wanted: Vec<String> = wanted.iter().map(Scalar::text).collect();
                self.holds(operator, key, &wanted)
            })
        })
    }

    /// Whether one condition holds. Operators that need what the sandbox has not (dates, addresses) never hold.
    fn holds(&self, operator: &str, key: &str, wanted: &[String]) -> bool {
        let key = key.to_ascii_lowercase();
        let found = self.0.get(key.as_str());
        let operator = operator.split_once(':').map_or(operator, |(_, operator)| operator);
        if operator == "Null" {
            return wanted.iter().any(|wanted| wanted == if found.is_none() { "true" } else { "false" });
        }
        let (operator, if_exists) =
            operator.strip_suffix("IfExists").map_or((operator, false), |operator| (operator, true));
        let Some(found) = found else { return if_exists || operator.contains("Not") };
        let any = |matches: &dyn Fn(&str) -> bool| wanted.iter().any(|wanted| matches(wanted));
        match operator {
            "StringEquals" => any(&|wanted| wanted == found),
            "StringNotEquals" => !any(&|wanted| wanted == found),
            "StringEqualsIgnoreCase" => any(&|wanted| wanted.eq_ignore_ascii_case(found)),
            "StringNotEqualsIgnoreCase" => !any(&|wanted| wanted.eq_ignore_ascii_case(found)),
            "StringLike" | "ArnEquals" | "ArnLike" => any(&|wanted| is_like(&key, wanted, found)),
            "StringNotLike" | "ArnNotEquals" | "ArnNotLike" => !any(&|wanted| is_like(&key, wanted, found)),
            "Bool" => any(&|wanted| wanted.eq_ignore_ascii_case(found)),
            _ => false,
        }
    }
}

/// The resource for which a service acts is not known here, so that only service, region and account of its ARN count.
fn is_like(key: &str, wanted: &str, found: &str) -> bool {
    if key != "aws:sourcearn" {
        return like(wanted, found);
    }
    let parts = |arn: &str| arn.splitn(6, ':').take(5).map(str::to_owned).collect::<Vec<_>>();
    let (wanted, found) = (parts(wanted), parts(found));
    wanted.len() == found.len() && wanted.iter().zip(&found).all(|(wanted, found)| like(wanted, found))
}

/// Whether a text is like a pattern with `*` (any run) and `?` (any one character).
pub(super) fn like(pattern: &str, text: &str) -> bool {
    let (pattern, text): (Vec<char>, Vec<char>) = (pattern.chars().collect(), text.chars().collect());
    let (mut p, mut t) = (0, 0);
    // Where the last star was, and how far into the text it reaches so far.
    let mut star: Option<(usize, usize)> = None;
    while t < text.len() {
        match pattern.get(p) {
            Some('*') => {
                star = Some((p, t));
                p += 1;
            }
            Some(&c) if c == '?' || c == text[t] => {
                p += 1;
                t += 1;
            }
            _ => {
                let Some((at, reach)) = star else { return false };
                star = Some((at, reach + 1));
                p = at + 1;
                t = reach + 1;
            }
        }
    }
    pattern[p..].iter().all(|c| *c == '*')
}

#[cfg(test)]
mod tests {
    use super::*;

    proptest::proptest! {
        #[test]
        fn patterns_match_as_their_regular_expressions(pattern in "[ab*?]{0,8}", text in "[ab]{0,8}") {
            fn model(pattern: &[u8], text: &[u8]) -> bool {
                match (pattern, text) {
                    ([], []) => true,
                    ([b'*', rest @ ..], _) => (0..=text.len()).any(|skip| model(rest, &text[skip..])),
                    ([b'?', rest @ ..], [_, tail @ ..]) => model(rest, tail),
                    ([c, rest @ ..], [d, tail @ ..]) if c == d => model(rest, tail),
                    _ => false,
                }
            }
            proptest::prop_assert_eq!(like(&pattern, &text), model(pattern.as_bytes(), text.as_bytes()));
        }
    }
}
