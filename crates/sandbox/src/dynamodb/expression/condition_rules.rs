//! From a condition's syntax to its typed form, with the rules that DynamoDB has for functions and operands.

use std::cmp::Ordering;

use super::super::error::validation;
use super::super::value::AttributeValue;
use super::condition::{Comparator, Condition, Operand, compare_values};
use super::placeholders::Placeholders;
use super::syntax::{self, ConditionSyntax, FunctionSyntax, OperandSyntax};
use crate::AwsError;

/// Operands that `IN` may have.
const MOST_IN_OPERANDS: usize = 100;
/// The types as DynamoDB's messages list them.
const TYPE_NAMES: [&str; 10] = ["B", "NULL", "SS", "BOOL", "L", "BS", "N", "NS", "S", "M"];

impl Condition {
    /// Reads the expression in `parameter` (such as `FilterExpression`).
    pub fn parse(parameter: &str, expression: &str, placeholders: &mut Placeholders) -> Result<Self, AwsError> {
        syntax::condition(expression)
            .and_then(|syntax| resolve(&syntax, placeholders))
            .map_err(|message| validation(format!("Invalid {parameter}: {message}")))
    }
}

fn resolve(syntax: &ConditionSyntax<'_>, names: &mut Placeholders) -> Result<Condition, String> {
    Ok(match syntax {
        ConditionSyntax::And(parts) => Condition::And(resolve_all(parts, names)?),
        ConditionSyntax::Or(parts) => Condition::Or(resolve_all(parts, names)?),
        ConditionSyntax::Not(condition) => Condition::Not(Box::new(resolve(condition, names)?)),
        ConditionSyntax::Compare { operator, left, right } => {
            let (left, right) = (operand(left, names)?, operand(right, names)?);
            distinct(operator, &left, &right)?;
            let comparator = comparator(operator);
            if !matches!(comparator, Comparator::Equal | Comparator::NotEqual) {
                ordered(operator, &left)?;
                ordered(operator, &right)?;
            }
            Condition::Compare(comparator, left, right)
        }
        ConditionSyntax::Between { operand: value, low, high } => {
            let (value, low, high) = (operand(value, names)?, operand(low, names)?, operand(high, names)?);
            for bound in [&value, &low, &high] {
                ordered("BETWEEN", bound)?;
            }
            bounds(&low, &high)?;
            Condition::Between(value, low, high)
        }
        ConditionSyntax::In { operand: value, list } => {
            if list.len() > MOST_IN_OPERANDS {
                return Err(format!(
                    "The IN operator is provided with too many operands; number of operands: {}",
                    list.len()
                ));
            }
            let value = operand(value, names)?;
            Condition::In(value, list.iter().map(|other| operand(other, names)).collect::<Result<_, _>>()?)
        }
        ConditionSyntax::Function(function) => predicate(function, names)?,
    })
}

fn resolve_all(parts: &[ConditionSyntax<'_>], names: &mut Placeholders) -> Result<Vec<Condition>, String> {
    parts.iter().map(|part| resolve(part, names)).collect()
}

fn comparator(operator: &str) -> Comparator {
    match operator {
        "=" => Comparator::Equal,
        "<>" => Comparator::NotEqual,
        "<" => Comparator::Less,
        "<=" => Comparator::LessOrEqual,
        ">" => Comparator::Greater,
        _ => Comparator::GreaterOrEqual,
    }
}

/// An operand within a comparison or a function: of the functions, only `size` has a value.
fn operand(syntax: &OperandSyntax<'_>, names: &mut Placeholders) -> Result<Operand, String> {
    match syntax {
        OperandSyntax::Path(path) => Ok(Operand::Path(names.path(path)?)),
        OperandSyntax::Value(placeholder) => Ok(Operand::Value(names.value(placeholder)?)),
        OperandSyntax::Function(function) if function.name == "size" => {
            let [argument] = arguments::<1>(function)?;
            let argument = operand(argument, names)?;
            let has_no_size = matches!(argument, Operand::Size(_))
                || matches!(
                    argument.literal(),
                    Some(AttributeValue::N(_) | AttributeValue::Bool(_) | AttributeValue::Null)
                );
            if has_no_size {
                return Err(incorrect_type("size", literal_type(&argument)));
            }
            Ok(Operand::Size(Box::new(argument)))
        }
        OperandSyntax::Function(function) => Err(if is_function(function.name) {
            misused(function.name)
        } else {
            format!("Invalid function name; function: {}", function.name)
        }),
    }
}

fn predicate(function: &FunctionSyntax<'_>, names: &mut Placeholders) -> Result<Condition, String> {
    let name = function.name;
    Ok(match name {
        "attribute_exists" | "attribute_not_exists" => {
            let [argument] = arguments::<1>(function)?;
            let Operand::Path(path) = operand(argument, names)? else {
                return Err(format!("Operator or function requires a document path; operator or function: {name}"));
            };
            if name == "attribute_exists" {
                Condition::AttributeExists(path)
            } else {
                Condition::AttributeNotExists(path)
            }
        }
        "attribute_type" => {
            let [argument, type_name] = arguments::<2>(function)?;
            let (argument, type_name) = (operand(argument, names)?, operand(type_name, names)?);
            distinct(name, &argument, &type_name)?;
            let Some(AttributeValue::S(type_name)) = type_name.literal() else {
                return Err(incorrect_type(name, literal_type(&type_name)));
            };
            if !TYPE_NAMES.contains(&type_name.as_str()) {
                return Err(format!(
                    "Invalid attribute type name found; type: {type_name}, valid types: {{{}}}",
                    TYPE_NAMES.join(",")
                ));
            }
            let Operand::Path(path) = argument else {
                return Err(format!("Operator or function requires a document path; operator or function: {name}"));
            };
            Condition::AttributeType(path, type_name.clone())
        }
        "begins_with" => {
            let [whole, prefix] = arguments::<2>(function)?;
            let (whole, prefix) = (operand(whole, names)?, operand(prefix, names)?);
            distinct(name, &whole, &prefix)?;
            for part in [&whole, &prefix] {
                let suits = matches!(part, Operand::Path(_))
                    || matches!(part.literal(), Some(AttributeValue::S(_) | AttributeValue::B(_)));
                if !suits {
                    return Err(incorrect_type(name, literal_type(part)));
                }
            }
            Condition::BeginsWith(whole, prefix)
        }
        "contains" => {
            let [whole, part] = arguments::<2>(function)?;
            let (whole, part) = (operand(whole, names)?, operand(part, names)?);
            distinct(name, &whole, &part)?;
            Condition::Contains(whole, part)
        }
        "size" => return Err(misused(name)),
        _ => return Err(format!("Invalid function name; function: {name}")),
    })
}

fn is_function(name: &str) -> bool {
    ["attribute_exists", "attribute_not_exists", "attribute_type", "begins_with", "contains", "size"].contains(&name)
}

fn misused(function: &str) -> String {
    format!("The function is not allowed to be used this way in an expression; function: {function}")
}

pub(super) fn arguments<'f, const COUNT: usize>(
    function: &'f FunctionSyntax<'f>,
) -> Result<&'f [OperandSyntax<'f>; COUNT], String> {
    function.arguments.as_slice().try_into().map_err(|_| {
        format!(
            "Incorrect number of operands for operator or function; operator or function: {}, number of operands: {}",
            function.name,
            function.arguments.len()
        )
    })
}

pub(super) fn incorrect_type(function: &str, type_name: &str) -> String {
    format!(
        "Incorrect operand type for operator or function; operator or function: {function}, operand type: {type_name}"
    )
}

fn literal_type(operand: &Operand) -> &'static str {
    match operand {
        Operand::Value(value) => value.type_name(),
        Operand::Size(_) => "N",
        Operand::Path(_) => "{NS,SS,L,BS,N,M,B,BOOL,NULL,S}",
    }
}

fn distinct(operator: &str, left: &Operand, right: &Operand) -> Result<(), String> {
    match (left, right) {
        (Operand::Path(left), Operand::Path(right)) if left == right => Err(format!(
            "The first operand must be distinct from the remaining operands for this operator or function; operator: \
             {operator}, first operand: {left}"
        )),
        _ => Ok(()),
    }
}

fn ordered(operator: &str, operand: &Operand) -> Result<(), String> {
    match operand.literal() {
        None | Some(AttributeValue::S(_) | AttributeValue::N(_) | AttributeValue::B(_)) => Ok(()),
        Some(value) => Err(format!(
            "Incorrect operand type for operator or function; operator: {operator}, operand type: {}",
            value.type_name()
        )),
    }
}

fn bounds(low: &Operand, high: &Operand) -> Result<(), String> {
    let (Some(low), Some(high)) = (low.literal(), high.literal()) else {
        return Ok(());
    };
    let show = |value: &AttributeValue| match value {
        AttributeValue::S(text) => format!("AttributeValue: {{S:{text}}}"),
        AttributeValue::N(number) => format!("AttributeValue: {{N:{number}}}"),
        other => format!("AttributeValue: {{{}}}", other.type_name()),
    };
    let tell = |rule: &str| {
        Err(format!(
            "The BETWEEN operator requires {rule}; lower bound operand: {}, upper bound operand: {}",
            show(low),
            show(high)
        ))
    };
    match compare_values(low, high) {
        None => tell("same data type for lower and upper bounds"),
        Some(Ordering::Greater) => tell("upper bound to be greater than or equal to lower bound"),
        Some(_) => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::super::placeholders::GivenExpressions;
    use super::*;
    use crate::dynamodb::value::Item;

    fn item() -> Item {
        serde_json::from_str(
            r##"{
                "id":{"S":"item"}, "n":{"N":"10"}, "words":{"S":"héllo world"}, "blobs":{"B":"AQID"}, "flag":{"BOOL":true},
                "nil":{"NULL":true}, "tags":{"SS":["a","b"]}, "nums":{"NS":["1","2"]}, "bins":{"BS":["AQ=="]},
                "seq":{"L":[{"S":"x"},{"N":"1"},{"M":{"deep":{"S":"here"}}}]}, "doc":{"M":{"k.1":{"N":"5"},"k":{"S":"v"}}}
            }"##,
        )
        .unwrap()
    }

    fn placeholders(expression: &str) -> Placeholders {
        let names = [("#n", "n"), ("#dotted", "k.1"), ("#status", "status")];
        let values = [
            (":ten", r#"{"N":"10.0"}"#),
            (":nine", r#"{"N":"9"}"#),
            (":s", r#"{"S":"10"}"#),
            (":hé", r#"{"S":"hé"}"#),
            (":a", r#"{"S":"a"}"#),
            (":x", r#"{"S":"x"}"#),
            (":z", r#"{"S":"z"}"#),
            (":one", r#"{"N":"1"}"#),
            (":two", r#"{"N":"2"}"#),
            (":bytes", r#"{"B":"AgM="}"#),
            (":true", r#"{"BOOL":true}"#),
            (":tags", r#"{"SS":["b","a"]}"#),
            (":type", r#"{"S":"SS"}"#),
            (":nope", r#"{"S":"nope"}"#),
            (":here", r#"{"S":"here"}"#),
            (":null", r#"{"NULL":true}"#),
            (":twelve", r#"{"N":"12"}"#),
        ];
        let mut given = GivenExpressions::default();
        let used = |name: &str| expression.contains(name);
        let names: std::collections::BTreeMap<_, _> =
            names.iter().filter(|(key, _)| used(key)).map(|(k, v)| ((*k).to_owned(), (*v).to_owned())).collect();
        let values: std::collections::BTreeMap<_, _> = values
            .iter()
            .filter(|(key, _)| used(key) && key.is_ascii())
            .map(|(key, json)| ((*key).to_owned(), serde_json::from_str(json).unwrap()))
            .collect();
        given.names = (!names.is_empty()).then_some(names);
        given.values = (!values.is_empty()).then_some(values);
        Placeholders::new(given, &[("FilterExpression", &Some(String::new()))], None).unwrap()
    }

    fn holds(expression: &str) -> bool {
        Condition::parse("FilterExpression", expression, &mut placeholders(expression)).unwrap().holds(&item())
    }

    #[test]
    fn what_an_item_meets() {
        for expression in [
            "#n = :ten",
            "#n > :nine",
            "n <> :s",
            "gone <> :s",
            "n BETWEEN :nine AND :twelve",
            "n IN (:s, :ten)",
            "attribute_exists(doc.#dotted)",
            "attribute_not_exists(seq[3])",
            "attribute_exists(seq[2].deep)",
            "seq[2].deep = :here",
            "attribute_type(tags, :type)",
            "contains(tags, :a)",
            "contains(nums, :one)",
            "contains(seq, :x)",
            "contains(blobs, :bytes)",
            "size(seq) > :two",
            "size(words) = :twelve",
            "tags = :tags",
            "flag = :true",
            "nil = :null",
            "NOT n < :nine",
            "n = :s OR n = :ten AND flag = :true",
            "(n = :s OR n = :ten) AND NOT flag <> :true",
            "size(doc) = size(tags)",
            "n > size(tags)",
        ] {
            assert!(holds(expression), "{expression}");
        }
    }

    #[test]
    fn what_an_item_does_not_meet() {
        for expression in [
            "n = :s",
            "n > :s",
            "gone = :s",
            "gone < :ten",
            "gone = absent",
            "begins_with(n, :a)",
            "contains(words, :one)",
            "size(n) > :one",
            "attribute_exists(seq[3])",
            "attribute_exists(words.deep)",
            "attribute_type(n, :type)",
            "n IN (:s)",
            "flag = :true AND n = :nine",
            "doc.k[0] = :a",
            "contains(gone, :a)",
        ] {
            assert!(!holds(expression), "{expression}");
        }
    }

    #[test]
    fn faults_are_told_in_dynamodbs_words() {
        for (expression, message) in [
            ("status = :a", "Attribute name is a reserved keyword; reserved keyword: status"),
            ("a.Name = :a", "Attribute name is a reserved keyword; reserved keyword: Name"),
            (
                "#gone = :a",
                "An expression attribute name used in the document path is not defined; attribute name: #gone",
            ),
            ("n = :gone", "An expression attribute value used in expression is not defined; attribute value: :gone"),
            ("foo(n)", "Invalid function name; function: foo"),
            ("size(n)", "The function is not allowed to be used this way in an expression; function: size"),
            (
                "contains(n, :a) = :a",
                "The function is not allowed to be used this way in an expression; function: contains",
            ),
            (
                "attribute_exists(:a)",
                "Operator or function requires a document path; operator or function: attribute_exists",
            ),
            (
                "attribute_type(n, :nope)",
                "Invalid attribute type name found; type: nope, valid types: {B,NULL,SS,BOOL,L,BS,N,NS,S,M}",
            ),
            (
                "begins_with(n, :one)",
                "Incorrect operand type for operator or function; operator or function: begins_with, operand type: N",
            ),
            (
                "contains(n)",
                "Incorrect number of operands for operator or function; operator or function: contains, number of operands: 1",
            ),
            ("n < :true", "Incorrect operand type for operator or function; operator: <, operand type: BOOL"),
            (
                "n = n",
                "The first operand must be distinct from the remaining operands for this operator or function; operator: =, first operand: [n]",
            ),
            (
                "n BETWEEN :two AND :one",
                "The BETWEEN operator requires upper bound to be greater than or equal to lower bound; lower bound operand: AttributeValue: {N:2}, upper bound operand: AttributeValue: {N:1}",
            ),
            (
                "n BETWEEN :two AND :a",
                "The BETWEEN operator requires same data type for lower and upper bounds; lower bound operand: AttributeValue: {N:2}, upper bound operand: AttributeValue: {S:a}",
            ),
            ("n = :a n", "Syntax error; token: \"n\", near: \":a n\""),
            ("", "The expression can not be empty;"),
        ] {
            let error = Condition::parse("FilterExpression", expression, &mut placeholders(expression)).unwrap_err();
            assert_eq!(error.message, format!("Invalid FilterExpression: {message}"));
            assert_eq!(error.code, "ValidationException");
        }
    }

    #[test]
    fn unused_placeholders_are_refused() {
        let mut unused = placeholders("#n #status :a :ten");
        Condition::parse("FilterExpression", "#n = :ten", &mut unused).unwrap();
        let message = "Value provided in ExpressionAttributeNames unused in expressions: keys: {#status}";
        assert_eq!(unused.finish().unwrap_err().message, message);
    }
}
