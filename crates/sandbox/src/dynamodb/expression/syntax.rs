//! The grammars of DynamoDB's expressions, over tokens. What comes out still has its placeholders; see the typed forms in
//! `condition`, `update` and `projection`.
//!
//! Source: "Using expressions in DynamoDB" in the Amazon DynamoDB Developer Guide.

use winnow::Parser;
use winnow::combinator::{alt, cut_err, delimited, opt, peek, preceded, repeat, separated_pair, terminated};
use winnow::error::{ErrMode, ParserError};
use winnow::stream::{Stream, TokenSlice};
use winnow::token::any;

use super::token::{self, Token, TokenKind};

/// A name in a path.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum NameSyntax<'s> {
    Word(&'s str),
    Placeholder(&'s str),
}

/// A step of a path after its first name.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum StepSyntax<'s> {
    Field(NameSyntax<'s>),
    /// The digits of a list's index.
    Index(&'s str),
}

/// A document path such as `a.#b[0]`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PathSyntax<'s> {
    pub root: NameSyntax<'s>,
    pub steps: Vec<StepSyntax<'s>>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub enum OperandSyntax<'s> {
    Path(PathSyntax<'s>),
    /// A placeholder such as `:v`.
    Value(&'s str),
    Function(FunctionSyntax<'s>),
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FunctionSyntax<'s> {
    pub name: &'s str,
    pub arguments: Vec<OperandSyntax<'s>>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ConditionSyntax<'s> {
    And(Vec<Self>),
    Or(Vec<Self>),
    Not(Box<Self>),
    Compare { operator: &'s str, left: OperandSyntax<'s>, right: OperandSyntax<'s> },
    Between { operand: OperandSyntax<'s>, low: OperandSyntax<'s>, high: OperandSyntax<'s> },
    In { operand: OperandSyntax<'s>, list: Vec<OperandSyntax<'s>> },
    Function(FunctionSyntax<'s>),
}

/// The right side of an assignment in `SET`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum SetValueSyntax<'s> {
    Operand(OperandSyntax<'s>),
    Plus(OperandSyntax<'s>, OperandSyntax<'s>),
    Minus(OperandSyntax<'s>, OperandSyntax<'s>),
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub enum SectionSyntax<'s> {
    Set(Vec<(PathSyntax<'s>, SetValueSyntax<'s>)>),
    Remove(Vec<PathSyntax<'s>>),
    Add(Vec<(PathSyntax<'s>, &'s str)>),
    Delete(Vec<(PathSyntax<'s>, &'s str)>),
}

/// Parses a condition, filter or key-condition expression.
pub fn condition(expression: &str) -> Result<ConditionSyntax<'_>, String> {
    parse(expression, any_of)
}

/// Parses an update expression.
pub fn update(expression: &str) -> Result<Vec<SectionSyntax<'_>>, String> {
    parse(expression, |input: &mut Tokens<'_, '_>| repeat(1.., section).parse_next(input))
}

/// Parses a projection expression.
pub fn projection(expression: &str) -> Result<Vec<PathSyntax<'_>>, String> {
    parse(expression, |input: &mut Tokens<'_, '_>| list(path).parse_next(input))
}

type Tokens<'t, 's> = TokenSlice<'t, Token<'s>>;
type Parsed<T> = Result<T, ErrMode<Unexpected>>;

/// The token that stopped the parser, told by how many were left; of several attempts the one that got furthest counts.
#[derive(Debug)]
struct Unexpected {
    remaining: usize,
}

impl<I: Stream> ParserError<I> for Unexpected {
    type Inner = Self;

    fn from_input(input: &I) -> Self {
        Self { remaining: input.eof_offset() }
    }

    fn or(self, other: Self) -> Self {
        if self.remaining < other.remaining { self } else { other }
    }

    fn into_inner(self) -> Result<Self::Inner, Self> {
        Ok(self)
    }
}

fn parse<'s, T>(expression: &'s str, grammar: impl FnOnce(&mut Tokens<'_, 's>) -> Parsed<T>) -> Result<T, String> {
    let tokens = token::tokens(expression)?;
    let mut input = TokenSlice::new(&tokens);
    let parsed = grammar(&mut input);
    let remaining = match parsed {
        Ok(parsed) if input.eof_offset() == 0 => {
            if token::has_redundant_parentheses(&tokens) {
                return Err("The expression has redundant parentheses;".to_owned());
            }
            return Ok(parsed);
        }
        Ok(_) => input.eof_offset(),
        Err(ErrMode::Backtrack(error) | ErrMode::Cut(error)) => error.remaining,
        Err(ErrMode::Incomplete(_)) => 0,
    };
    Err(token::syntax_error(expression, &tokens, tokens.len() - remaining))
}

fn symbol<'t, 's: 't>(text: &'static str) -> impl Parser<Tokens<'t, 's>, &'t Token<'s>, ErrMode<Unexpected>> {
    any.verify(move |token: &Token<'s>| token.is_symbol(text))
}

fn keyword<'t, 's: 't>(text: &'static str) -> impl Parser<Tokens<'t, 's>, &'t Token<'s>, ErrMode<Unexpected>> {
    any.verify(move |token: &Token<'s>| token.is_keyword(text))
}

fn text_of<'t, 's: 't>(kind: TokenKind) -> impl Parser<Tokens<'t, 's>, &'s str, ErrMode<Unexpected>> {
    any.verify(move |token: &Token<'s>| token.kind == kind).map(|token: &Token<'s>| token.text)
}

/// One or more elements between commas. After a comma there must be another, so that the error is told there.
fn list<'t, 's: 't, T>(
    element: fn(&mut Tokens<'t, 's>) -> Parsed<T>,
) -> impl Parser<Tokens<'t, 's>, Vec<T>, ErrMode<Unexpected>> {
    move |input: &mut Tokens<'t, 's>| {
        let first = element(input)?;
        let rest: Vec<T> = repeat(0.., preceded(symbol(","), cut_err(element))).parse_next(input)?;
        Ok(std::iter::once(first).chain(rest).collect())
    }
}

fn any_of<'s>(input: &mut Tokens<'_, 's>) -> Parsed<ConditionSyntax<'s>> {
    let first = all_of(input)?;
    let rest: Vec<_> = repeat(0.., preceded(keyword("OR"), cut_err(all_of))).parse_next(input)?;
    Ok(joined(first, rest, ConditionSyntax::Or))
}

fn all_of<'s>(input: &mut Tokens<'_, 's>) -> Parsed<ConditionSyntax<'s>> {
    let first = negation(input)?;
    let rest: Vec<_> = repeat(0.., preceded(keyword("AND"), cut_err(negation))).parse_next(input)?;
    Ok(joined(first, rest, ConditionSyntax::And))
}

fn joined<'s>(
    first: ConditionSyntax<'s>,
    rest: Vec<ConditionSyntax<'s>>,
    join: fn(Vec<ConditionSyntax<'s>>) -> ConditionSyntax<'s>,
) -> ConditionSyntax<'s> {
    if rest.is_empty() {
        return first;
    }
    join(std::iter::once(first).chain(rest).collect())
}

/// Any number of `NOT` costs one level, since two of them say nothing.
fn negation<'s>(input: &mut Tokens<'_, 's>) -> Parsed<ConditionSyntax<'s>> {
    let negations: usize = repeat(0.., keyword("NOT").void()).parse_next(input)?;
    let condition = alt((predicate, delimited(symbol("("), any_of, symbol(")")))).parse_next(input)?;
    Ok(match negations {
        0 => condition,
        odd if odd % 2 == 1 => ConditionSyntax::Not(Box::new(condition)),
        _ => ConditionSyntax::Not(Box::new(ConditionSyntax::Not(Box::new(condition)))),
    })
}

fn predicate<'s>(input: &mut Tokens<'_, 's>) -> Parsed<ConditionSyntax<'s>> {
    let left = operand(input)?;
    if let Some(operator) = opt(comparator).parse_next(input)? {
        let right = operand(input)?;
        return Ok(ConditionSyntax::Compare { operator, left, right });
    }
    if opt(keyword("BETWEEN")).parse_next(input)?.is_some() {
        let (low, high) = separated_pair(operand, keyword("AND"), operand).parse_next(input)?;
        return Ok(ConditionSyntax::Between { operand: left, low, high });
    }
    if opt(keyword("IN")).parse_next(input)?.is_some() {
        let list = delimited(symbol("("), list(operand), symbol(")")).parse_next(input)?;
        return Ok(ConditionSyntax::In { operand: left, list });
    }
    match left {
        OperandSyntax::Function(function) => Ok(ConditionSyntax::Function(function)),
        _ => Err(ErrMode::from_input(input)),
    }
}

fn comparator<'s>(input: &mut Tokens<'_, 's>) -> Parsed<&'s str> {
    any.verify(|token: &Token<'s>| {
        token.kind == TokenKind::Symbol && ["=", "<>", "<", "<=", ">", ">="].contains(&token.text)
    })
    .map(|token: &Token<'s>| token.text)
    .parse_next(input)
}

fn operand<'s>(input: &mut Tokens<'_, 's>) -> Parsed<OperandSyntax<'s>> {
    alt((
        function.map(OperandSyntax::Function),
        text_of(TokenKind::ValuePlaceholder).map(OperandSyntax::Value),
        path.map(OperandSyntax::Path),
        delimited(symbol("("), operand, symbol(")")),
    ))
    .parse_next(input)
}

fn function<'s>(input: &mut Tokens<'_, 's>) -> Parsed<FunctionSyntax<'s>> {
    let name = terminated(word, peek(symbol("("))).parse_next(input)?;
    let arguments = cut_err(delimited(symbol("("), list(operand), symbol(")"))).parse_next(input)?;
    Ok(FunctionSyntax { name, arguments })
}

fn path<'s>(input: &mut Tokens<'_, 's>) -> Parsed<PathSyntax<'s>> {
    let root = name(input)?;
    let index = delimited(symbol("["), text_of(TokenKind::Digits), symbol("]")).map(StepSyntax::Index);
    let step = alt((preceded(symbol("."), cut_err(name)).map(StepSyntax::Field), index));
    let steps = repeat(0.., step).parse_next(input)?;
    Ok(PathSyntax { root, steps })
}

fn name<'s>(input: &mut Tokens<'_, 's>) -> Parsed<NameSyntax<'s>> {
    alt((word.map(NameSyntax::Word), text_of(TokenKind::NamePlaceholder).map(NameSyntax::Placeholder)))
        .parse_next(input)
}

/// A word that is no keyword of a grammar. All keywords are reserved words, so that no name is lost.
fn word<'s>(input: &mut Tokens<'_, 's>) -> Parsed<&'s str> {
    const KEYWORDS: [&str; 9] = ["AND", "OR", "NOT", "IN", "BETWEEN", "SET", "REMOVE", "ADD", "DELETE"];
    any.verify(|token: &Token<'s>| {
        token.kind == TokenKind::Word && !KEYWORDS.iter().any(|keyword| token.is_keyword(keyword))
    })
    .map(|token: &Token<'s>| token.text)
    .parse_next(input)
}

fn section<'s>(input: &mut Tokens<'_, 's>) -> Parsed<SectionSyntax<'s>> {
    alt((
        preceded(keyword("SET"), cut_err(list(assignment))).map(SectionSyntax::Set),
        preceded(keyword("REMOVE"), cut_err(list(path))).map(SectionSyntax::Remove),
        preceded(keyword("ADD"), cut_err(list(path_and_value))).map(SectionSyntax::Add),
        preceded(keyword("DELETE"), cut_err(list(path_and_value))).map(SectionSyntax::Delete),
    ))
    .parse_next(input)
}

fn assignment<'s>(input: &mut Tokens<'_, 's>) -> Parsed<(PathSyntax<'s>, SetValueSyntax<'s>)> {
    separated_pair(path, symbol("="), set_value).parse_next(input)
}

fn path_and_value<'s>(input: &mut Tokens<'_, 's>) -> Parsed<(PathSyntax<'s>, &'s str)> {
    (path, text_of(TokenKind::ValuePlaceholder)).parse_next(input)
}

fn set_value<'s>(input: &mut Tokens<'_, 's>) -> Parsed<SetValueSyntax<'s>> {
    alt((arithmetic, delimited(symbol("("), set_value, symbol(")")))).parse_next(input)
}

fn arithmetic<'s>(input: &mut Tokens<'_, 's>) -> Parsed<SetValueSyntax<'s>> {
    let left = operand(input)?;
    if opt(symbol("+")).parse_next(input)?.is_some() {
        return Ok(SetValueSyntax::Plus(left, operand(input)?));
    }
    if opt(symbol("-")).parse_next(input)?.is_some() {
        return Ok(SetValueSyntax::Minus(left, operand(input)?));
    }
    Ok(SetValueSyntax::Operand(left))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn and_binds_closer_than_or_and_not_closest() {
        let text = |condition: &ConditionSyntax<'_>| shape(condition);
        for (expression, expected) in [
            ("a = :a OR b = :b AND c = :c", "(a | (b & c))"),
            ("(a = :a OR b = :b) AND c = :c", "((a | b) & c)"),
            ("NOT a = :a AND b = :b", "(!a & b)"),
            ("not (a = :a and b = :b) or c in (:c)", "(!(a & b) | c)"),
            ("a BETWEEN :x AND :y AND b = :b", "(a & b)"),
            ("a = :a AND b = :b AND c = :c", "(a & b & c)"),
            ("attribute_exists(a) OR (b) = :b", "(attribute_exists | b)"),
        ] {
            assert_eq!(text(&condition(expression).unwrap()), expected, "{expression}");
        }
    }

    fn shape(condition: &ConditionSyntax<'_>) -> String {
        let join = |parts: &[ConditionSyntax<'_>], sign: &str| {
            format!("({})", parts.iter().map(shape).collect::<Vec<_>>().join(sign))
        };
        let root = |operand: &OperandSyntax<'_>| match operand {
            OperandSyntax::Path(PathSyntax { root: NameSyntax::Word(word), .. }) => (*word).to_owned(),
            other => format!("{other:?}"),
        };
        match condition {
            ConditionSyntax::And(parts) => join(parts, " & "),
            ConditionSyntax::Or(parts) => join(parts, " | "),
            ConditionSyntax::Not(inner) => format!("!{}", shape(inner)),
            ConditionSyntax::Compare { left, .. } => root(left),
            ConditionSyntax::Between { operand, .. } | ConditionSyntax::In { operand, .. } => root(operand),
            ConditionSyntax::Function(function) => function.name.to_owned(),
        }
    }

    #[test]
    fn a_syntax_error_names_the_token_and_its_neighbours() {
        for (expression, message) in [
            ("a = = :b", r#"token: "=", near: "= = :b""#),
            ("a = :b AND", r#"token: "<EOF>", near: "AND""#),
            ("a = :b c", r#"token: "c", near: ":b c""#),
            ("a", r#"token: "<EOF>", near: "a""#),
            ("user-name = :n", r#"token: "-", near: "user-name""#),
            ("a.2b = :n", r#"token: "2", near: ".2b""#),
            ("size((a = :b)", r#"token: "=", near: "a = :b""#),
            ("a = \"text\"", r#"token: """, near: "= "text"""#),
        ] {
            let error = condition(expression).unwrap_err();
            assert_eq!(error, format!("Syntax error; {message}"), "{expression}");
        }
        assert_eq!(update("SET a = ").unwrap_err(), r#"Syntax error; token: "<EOF>", near: "=""#);
        assert_eq!(update("a = :b").unwrap_err(), r#"Syntax error; token: "a", near: "a =""#);
        assert_eq!(projection("a,").unwrap_err(), r#"Syntax error; token: "<EOF>", near: ",""#);
    }

    #[test]
    fn redundant_parentheses_are_refused() {
        for expression in ["((a = :a))", "((a)) = :a", "((a = :a AND b = :b)) OR c = :c"] {
            assert_eq!(condition(expression).unwrap_err(), "The expression has redundant parentheses;", "{expression}");
        }
        assert!(condition("(a = :a AND (b = :b)) OR size((c)) = :c").is_ok());
        assert!(condition("a IN ((:a))").is_ok());
    }

    #[test]
    fn hostile_expressions_are_refused_or_parsed_without_overflow() {
        for expression in [
            "(".repeat(4096),
            format!("{}a = :a{}", "(".repeat(2000), ")".repeat(2000)),
            format!("{} a = :a", "NOT ".repeat(1000)),
            format!("{}a = :a{}", "NOT (b = :b AND ".repeat(60), ")".repeat(60)),
            format!("{}a{} = :a", "size(".repeat(60), ")".repeat(60)),
            vec!["a=:a"; 400].join(" AND "),
            "a".repeat(5000),
            "a[".repeat(1000),
            "a.".repeat(2000),
        ] {
            let _ = condition(&expression);
            let _ = update(&format!("SET b = {expression}"));
        }
        assert!(condition(&format!("{}a = :a{}", "NOT (b = :b AND ".repeat(60), ")".repeat(60))).is_ok());
        assert!(condition(&vec!["a=:a"; 150].join(" AND ")).is_ok());
    }

    #[test]
    fn updates_have_sections_in_any_order() {
        let sections = update("REMOVE a, b[1] SET #c = :c + d, e = (if_not_exists(e, :z) - :one) ADD f :f DELETE g :g");
        let sections = sections.unwrap();
        assert_eq!(sections.len(), 4);
        assert!(matches!(&sections[1], SectionSyntax::Set(list) if list.len() == 2));
    }
}
