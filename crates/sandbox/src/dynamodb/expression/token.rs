//! Cuts an expression into tokens and bounds it before anything recursive sees it.

use winnow::Parser;
use winnow::ascii::multispace0;
use winnow::combinator::{alt, delimited, repeat};
use winnow::stream::LocatingSlice;
use winnow::token::{one_of, take_while};

/// Bytes that an expression may have.
const LARGEST_EXPRESSION: usize = 4096;
/// Operators and functions that an expression may have, as AWS.
const MOST_OPERATORS: usize = 300;
/// How deep parentheses may nest. AWS refuses redundant ones, so that no useful expression comes near.
const DEEPEST_PARENTHESES: usize = 64;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TokenKind {
    /// A name, a keyword or a function.
    Word,
    /// `#name`
    NamePlaceholder,
    /// `:value`
    ValuePlaceholder,
    /// Decimal digits, a list's index.
    Digits,
    Symbol,
}

/// A token and where it starts in the expression, in bytes.
#[derive(Clone, Copy, Debug)]
pub struct Token<'s> {
    pub kind: TokenKind,
    pub text: &'s str,
    pub start: usize,
}

impl Token<'_> {
    pub fn is_symbol(&self, symbol: &str) -> bool {
        self.kind == TokenKind::Symbol && self.text == symbol
    }

    pub fn is_keyword(&self, keyword: &str) -> bool {
        self.kind == TokenKind::Word && self.text.eq_ignore_ascii_case(keyword)
    }

    fn end(&self) -> usize {
        self.start + self.text.len()
    }
}

/// The tokens of an expression, or what is wrong with it, in DynamoDB's words.
pub fn tokens(expression: &str) -> Result<Vec<Token<'_>>, String> {
    if expression.trim().is_empty() {
        return Err("The expression can not be empty;".to_owned());
    }
    if expression.len() > LARGEST_EXPRESSION {
        return Err(format!(
            "Expression size has exceeded the maximum allowed size; expression size: {}",
            expression.len()
        ));
    }
    let mut input = LocatingSlice::new(expression);
    let tokens: Vec<Token<'_>> = repeat(0.., delimited(multispace0, token, multispace0))
        .parse_next(&mut input)
        .map_err(|error: winnow::error::EmptyError| format!("Syntax error; {error}"))?;
    if let Some(stray) = input.chars().next() {
        let near = tokens.last().map_or(expression, |last| &expression[last.start..]);
        let near: String = near.chars().take(40).collect();
        return Err(format!("Syntax error; token: \"{stray}\", near: \"{}\"", near.trim()));
    }
    bound(&tokens)?;
    Ok(tokens)
}

/// The message for an unexpected token at `position`, which is the number of tokens for the end of the expression.
pub fn syntax_error(expression: &str, tokens: &[Token<'_>], position: usize) -> String {
    let before = position.checked_sub(1).and_then(|previous| tokens.get(previous));
    let here = tokens.get(position);
    let after = tokens.get(position + 1);
    let start = before.or(here).map_or(0, |token| token.start);
    let end = after.or(here).or(before).map_or(expression.len(), Token::end);
    let text = here.map_or("<EOF>", |token| token.text);
    format!("Syntax error; token: \"{text}\", near: \"{}\"", &expression[start..end])
}

/// Whether two pairs of parentheses enclose exactly the same.
pub fn has_redundant_parentheses(tokens: &[Token<'_>]) -> bool {
    let mut open = Vec::new();
    let mut closed_at = vec![usize::MAX; tokens.len()];
    for (position, token) in tokens.iter().enumerate() {
        if token.is_symbol("(") {
            open.push(position);
        } else if token.is_symbol(")")
            && let Some(start) = open.pop()
        {
            closed_at[start] = position;
        }
    }
    (1..tokens.len()).any(|inner| {
        let outer = inner - 1;
        let is_call = outer > 0 && tokens[outer - 1].kind == TokenKind::Word && {
            let word = &tokens[outer - 1];
            !["AND", "OR", "NOT"].iter().any(|keyword| word.is_keyword(keyword))
        };
        tokens[outer].is_symbol("(")
            && tokens[inner].is_symbol("(")
            && !is_call
            && closed_at[inner] != usize::MAX
            && closed_at[outer] == closed_at[inner] + 1
    })
}

fn bound(tokens: &[Token<'_>]) -> Result<(), String> {
    let mut depth = 0_usize;
    let mut operators = 0;
    for (position, token) in tokens.iter().enumerate() {
        match token.kind {
            TokenKind::Symbol => match token.text {
                "(" => depth += 1,
                ")" => depth = depth.saturating_sub(1),
                "=" | "<>" | "<" | "<=" | ">" | ">=" | "+" | "-" => operators += 1,
                _ => {}
            },
            TokenKind::Word => {
                let is_operator = ["AND", "OR", "NOT", "IN", "BETWEEN"].iter().any(|word| token.is_keyword(word));
                let is_function = tokens.get(position + 1).is_some_and(|next| next.is_symbol("("));
                operators += usize::from(is_operator || is_function);
            }
            _ => {}
        }
        if depth > DEEPEST_PARENTHESES {
            return Err("The expression has redundant parentheses;".to_owned());
        }
    }
    if operators > MOST_OPERATORS {
        return Err(format!(
            "The expression contains more than the maximum allowed number of operators; operator count: {operators}"
        ));
    }
    Ok(())
}

fn token<'s>(input: &mut LocatingSlice<&'s str>) -> Result<Token<'s>, winnow::error::EmptyError> {
    let word = |c: char| c.is_ascii_alphanumeric() || c == '_';
    let kind_and_text = alt((
        (one_of(('a'..='z', 'A'..='Z', '_')), take_while(0.., word)).take().map(|text| (TokenKind::Word, text)),
        ('#', take_while(1.., word)).take().map(|text| (TokenKind::NamePlaceholder, text)),
        (':', take_while(1.., word)).take().map(|text| (TokenKind::ValuePlaceholder, text)),
        take_while(1.., '0'..='9').map(|text| (TokenKind::Digits, text)),
        alt(("<>", "<=", ">=")).map(|text| (TokenKind::Symbol, text)),
        one_of(['<', '>', '=', '(', ')', '[', ']', ',', '.', '+', '-']).take().map(|text| (TokenKind::Symbol, text)),
    ));
    let ((kind, text), span) = kind_and_text.with_span().parse_next(input)?;
    Ok(Token { kind, text, start: span.start })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn operators_and_functions_are_bounded_together() {
        // Nested as an operand of IN, so that there are functions and hardly any operators.
        let functions = |count: usize| format!("a IN ({})", vec!["size(b)"; count].join(","));
        assert!(tokens(&functions(299)).is_ok());
        let error = tokens(&functions(300)).unwrap_err();
        assert!(error.ends_with("operator count: 301"), "{error}");
        let operators = |count: usize| vec!["a=:a"; count].join(" OR ");
        assert!(tokens(&operators(150)).is_ok());
        assert!(tokens(&operators(151)).unwrap_err().ends_with("operator count: 301"));
    }
}
