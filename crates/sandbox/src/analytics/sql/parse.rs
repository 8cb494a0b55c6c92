//! Text to statements. SELECTs and expressions are read by the `sqlparser` crate; the statements that only streaming SQL has
//! are read here, on its tokens.

use sqlparser::ast::{DataType, Expr, Function, FunctionArg, FunctionArgExpr, FunctionArgumentList, FunctionArguments};
use sqlparser::ast::{Ident, ObjectName, Query};
use sqlparser::dialect::Dialect;
use sqlparser::keywords::Keyword;
use sqlparser::parser::{Parser, ParserError};
use sqlparser::tokenizer::{Location, Token, TokenWithSpan, Tokenizer};

use super::error::SqlError;

/// The longest application code, in bytes, as `TextContent` allows.
pub(super) const MAX_CODE_BYTES: usize = 102_400;
/// How deep expressions and queries may nest.
const MAX_DEPTH: usize = 40;

/// Operators and keywords that one query may have: a chain of them becomes a tree as deep as it is long.
const MAX_OPERATORS: usize = 600;

/// A statement of an application's code.
#[derive(Clone, Debug)]
pub(super) enum Statement {
    CreateStream { replace: bool, name: Ident, columns: Vec<(Ident, DataType)> },
    CreatePump { replace: bool, name: Ident, target: Ident, columns: Vec<Ident>, query: Box<Query> },
}

/// The dialect of the service: standard SQL with `STEP(time BY interval)` and `CURSOR(SELECT ...)`.
#[derive(Debug)]
pub(super) struct StreamingDialect;

impl Dialect for StreamingDialect {
    fn is_delimited_identifier_start(&self, character: char) -> bool {
        character == '"'
    }

    fn is_identifier_start(&self, character: char) -> bool {
        character.is_alphabetic() || character == '_'
    }

    fn is_identifier_part(&self, character: char) -> bool {
        character.is_alphanumeric() || character == '_' || character == '$'
    }

    fn supports_subquery_as_function_arg(&self) -> bool {
        true
    }

    fn parse_prefix(&self, parser: &mut Parser<'_>) -> Option<Result<Expr, ParserError>> {
        let is_step = matches!(&parser.peek_nth_token_ref(0).token,
            Token::Word(word) if word.quote_style.is_none() && word.value.eq_ignore_ascii_case("STEP"));
        (is_step && parser.peek_nth_token_ref(1).token == Token::LParen).then(|| parse_step(parser))
    }
}

fn parse_step(parser: &mut Parser<'_>) -> Result<Expr, ParserError> {
    let name = parser.parse_identifier()?;
    parser.expect_token(&Token::LParen)?;
    let time = parser.parse_expr()?;
    parser.expect_keyword(Keyword::BY)?;
    let interval = parser.parse_expr()?;
    parser.expect_token(&Token::RParen)?;
    let args = [time, interval].map(|argument| FunctionArg::Unnamed(FunctionArgExpr::Expr(argument))).into();
    Ok(Expr::Function(Function {
        name: ObjectName::from(vec![name]),
        uses_odbc_syntax: false,
        parameters: FunctionArguments::None,
        args: FunctionArguments::List(FunctionArgumentList { duplicate_treatment: None, args, clauses: Vec::new() }),
        filter: None,
        null_treatment: None,
        over: None,
        within_group: Vec::new(),
    }))
}

/// Reads the statements of an application's code.
///
/// # Errors
/// The first mistake, with its place.
pub(super) fn parse(code: &str) -> Result<Vec<Statement>, SqlError> {
    if code.len() > MAX_CODE_BYTES {
        return Err(SqlError::at(Location::new(1, 1), format!("the code is longer than {MAX_CODE_BYTES} bytes")));
    }
    let dialect = StreamingDialect;
    let tokens = Tokenizer::new(&dialect, code)
        .tokenize_with_location()
        .map_err(|error| SqlError::at(error.location, error.message))?;
    let end = tokens.last().map_or(Location::new(1, 1), |token| token.span.end);
    let tokens = without_stream_keyword(tokens)?;
    let mut parser = Parser::new(&dialect).with_recursion_limit(MAX_DEPTH).with_tokens_with_locations(tokens);
    let mut statements = Vec::new();
    loop {
        while parser.consume_token(&Token::SemiColon) {}
        if parser.peek_token_ref().token == Token::EOF {
            return Ok(statements);
        }
        statements.push(parse_statement(&mut parser, end)?);
        let next = parser.peek_token_ref();
        if !matches!(next.token, Token::SemiColon | Token::EOF) {
            let message = format!("{} is not expected here; statements end with a semicolon", next.token);
            return Err(SqlError::at(next.span.start, message));
        }
    }
}

/// `SELECT STREAM` becomes `SELECT`, which the `sqlparser` crate knows. Every query here is over streams, so a SELECT without
/// STREAM is a mistake.
fn without_stream_keyword(tokens: Vec<TokenWithSpan>) -> Result<Vec<TokenWithSpan>, SqlError> {
    let mut kept = Vec::with_capacity(tokens.len());
    let mut after_select: Option<Location> = None;
    let mut operators = 0;
    let mut is_query = false;
    for token in tokens {
        match &token.token {
            Token::Whitespace(_) => {
                kept.push(token);
                continue;
            }
            Token::SemiColon => {
                operators = 0;
                is_query = false;
            }
            Token::Word(word) if word.keyword == Keyword::NoKeyword => {}
            Token::Number(..) | Token::SingleQuotedString(_) | Token::Comma | Token::LParen | Token::RParen => {}
            _ => operators += 1,
        }
        if is_query && operators > MAX_OPERATORS {
            let message = format!("the query has more than {MAX_OPERATORS} operators and keywords");
            return Err(SqlError::at(token.span.start, message));
        }
        let keyword = match &token.token {
            Token::Word(word) => word.keyword,
            _ => Keyword::NoKeyword,
        };
        match (after_select.take(), keyword) {
            (Some(_), Keyword::STREAM) => {}
            (Some(select), _) => {
                return Err(SqlError::at(select, "a query over streams starts with SELECT STREAM"));
            }
            (None, keyword) => {
                if keyword == Keyword::SELECT {
                    is_query = true;
                    after_select = Some(token.span.start);
                }
                kept.push(token);
            }
        }
    }
    match after_select {
        Some(select) => Err(SqlError::at(select, "a query over streams starts with SELECT STREAM")),
        None => Ok(kept),
    }
}

fn parse_statement(parser: &mut Parser<'_>, end: Location) -> Result<Statement, SqlError> {
    let start = parser.peek_token_ref().span.start;
    if !parser.parse_keyword(Keyword::CREATE) {
        let word = parser.peek_token_ref().token.to_string();
        let hint = match word.to_ascii_uppercase().as_str() {
            "INSERT" | "SELECT" => "; a query runs inside a pump: CREATE OR REPLACE PUMP \"name\" AS INSERT INTO ...",
            "ALTER" | "DROP" => "; change the code instead, a pump runs as long as the application does",
            _ => "",
        };
        let message = format!("{word} does not start a statement here, only CREATE STREAM and CREATE PUMP do{hint}");
        return Err(SqlError::at(start, message));
    }
    let replace = parser.parse_keywords(&[Keyword::OR, Keyword::REPLACE]);
    let what = parser.next_token();
    match &what.token {
        Token::Word(word) if word.quote_style.is_none() && word.value.eq_ignore_ascii_case("STREAM") => {
            parse_stream(parser, replace).map_err(|error| explain(error, end))
        }
        Token::Word(word) if word.quote_style.is_none() && word.value.eq_ignore_ascii_case("PUMP") => {
            parse_pump(parser, replace).map_err(|error| explain(error, end))
        }
        other => Err(SqlError::at(
            what.span.start,
            format!("the sandbox does not offer CREATE {other}, only CREATE STREAM and CREATE PUMP"),
        )),
    }
}

fn parse_stream(parser: &mut Parser<'_>, replace: bool) -> Result<Statement, ParserError> {
    let name = parser.parse_identifier()?;
    parser.expect_token(&Token::LParen)?;
    let columns = parser.parse_comma_separated(|parser| {
        let column = parser.parse_identifier()?;
        let data_type = parser.parse_data_type()?;
        // a pump that has no value for the column gives NULL whatever the column says, as the service does
        let _nullable = !parser.parse_keywords(&[Keyword::NOT, Keyword::NULL]);
        Ok((column, data_type))
    })?;
    parser.expect_token(&Token::RParen)?;
    if is_word(parser, "DESCRIPTION") {
        parser.next_token();
        parser.parse_literal_string()?;
    }
    Ok(Statement::CreateStream { replace, name, columns })
}

fn parse_pump(parser: &mut Parser<'_>, replace: bool) -> Result<Statement, ParserError> {
    let name = parser.parse_identifier()?;
    if is_word(parser, "STARTED") {
        parser.next_token();
    }
    parser.expect_keyword(Keyword::AS)?;
    parser.expect_keywords(&[Keyword::INSERT, Keyword::INTO])?;
    let target = parser.parse_identifier()?;
    let columns = if parser.peek_token_ref().token == Token::LParen {
        parser.expect_token(&Token::LParen)?;
        let columns = parser.parse_comma_separated(Parser::parse_identifier)?;
        parser.expect_token(&Token::RParen)?;
        columns
    } else {
        Vec::new()
    };
    let query = parser.parse_query()?;
    Ok(Statement::CreatePump { replace, name, target, columns, query })
}

/// Whether the next token is this word, without quotes.
fn is_word(parser: &Parser<'_>, expected: &str) -> bool {
    matches!(&parser.peek_token_ref().token,
        Token::Word(word) if word.quote_style.is_none() && word.value.eq_ignore_ascii_case(expected))
}

/// The crate ends its messages with the place, which we tell apart from the message; without one it is the end of the code.
fn explain(error: ParserError, end: Location) -> SqlError {
    match error {
        ParserError::TokenizerError(message) | ParserError::ParserError(message) => {
            let place = message.rsplit_once(" at Line: ").and_then(|(text, place)| {
                let (line, column) = place.split_once(", Column: ")?;
                Some((text.to_owned(), line.parse::<u64>().ok()?, column.parse::<u64>().ok()?))
            });
            match place {
                Some((message, line, column)) => SqlError { line, column, message },
                None => SqlError::at(end, message),
            }
        }
        ParserError::RecursionLimitExceeded => {
            SqlError { line: 1, column: 1, message: format!("the code nests deeper than {MAX_DEPTH} levels") }
        }
    }
}
