//! Resolves names and checks types: from parsed expressions to [`Expression`]s.

use sqlparser::ast::{
    BinaryOperator, CaseWhen, CastKind, CeilFloorKind, DateTimeField, DuplicateTreatment, Expr, FunctionArg,
    FunctionArgExpr, FunctionArguments, Ident, InTarget, Interval, Spanned, TrimWhereField, UnaryOperator,
    Value as AstValue,
};
use sqlparser::tokenizer::Location;

use super::error::SqlError;
use super::expression::{Comparison, Expression, Operator};
use super::functions::{Field, Function, MAX_PATTERN, Parameter, Side};
use super::types::{SqlType, Value, parse_value};
use super::windows::{AggregateCall, AggregateKind};

const SECOND: i64 = 1_000;
const MINUTE: i64 = 60 * SECOND;
const HOUR: i64 = 60 * MINUTE;
const DAY: i64 = 24 * HOUR;

/// How deep an expression may nest, a chain such as `a + b + c` included.
const MAX_DEPTH: usize = 100;

/// A column of a stream.
#[derive(Clone, Debug, PartialEq)]
pub struct Column {
    /// The name with its case: unquoted names in SQL are upper case.
    pub name: String,
    pub sql_type: SqlType,
}

/// What a query reads: a stream with the names it goes by.
#[derive(Clone, Debug)]
pub(super) struct Relation {
    pub name: String,
    pub columns: Vec<Column>,
    /// Rows of a source stream carry `APPROXIMATE_ARRIVAL_TIME`.
    pub is_source: bool,
}

/// Compiles the expressions of one query.
pub(super) struct Compiler<'a> {
    pub relation: &'a Relation,
    /// The aggregates met so far; `None` where none may stand.
    pub aggregates: Option<Vec<AggregateCall>>,
    depth: usize,
}

/// An expression with its type.
pub(super) type Typed = (Expression, SqlType);

/// The name that an identifier means: as written in double quotes, otherwise in upper case.
pub(super) fn identifier(ident: &Ident) -> String {
    if ident.quote_style.is_some() { ident.value.clone() } else { ident.value.to_uppercase() }
}

impl<'a> Compiler<'a> {
    pub(super) fn new(relation: &'a Relation, aggregates: Option<Vec<AggregateCall>>) -> Self {
        Self { relation, aggregates, depth: 0 }
    }

    pub(super) fn compile(&mut self, expr: &Expr) -> Result<Typed, SqlError> {
        if self.depth >= MAX_DEPTH {
            let message =
                format!("the expression nests deeper than {MAX_DEPTH} levels; a long OR may be written as IN (...)");
            return Err(SqlError::at(expr.span().start, message));
        }
        self.depth += 1;
        let compiled = self.compile_node(expr);
        self.depth -= 1;
        compiled
    }

    fn compile_node(&mut self, expr: &Expr) -> Result<Typed, SqlError> {
        let at = expr.span().start;
        match expr {
            Expr::Identifier(ident) => self.column(ident),
            Expr::CompoundIdentifier(parts) => match parts.as_slice() {
                [qualifier, name] => {
                    let qualifier_name = identifier(qualifier);
                    if qualifier_name != self.relation.name {
                        let message = format!(
                            "{qualifier_name:?} is not read by this query, which reads {:?}",
                            self.relation.name
                        );
                        return Err(SqlError::at(qualifier.span.start, message));
                    }
                    self.column(name)
                }
                _ => Err(SqlError::at(at, "a column is named as column or stream.column")),
            },
            Expr::Nested(inner) => self.compile(inner),
            Expr::Value(value) => literal(&value.value).map_err(|message| SqlError::at(value.span.start, message)),
            Expr::TypedString(typed) => {
                let sql_type = SqlType::from_ast(&typed.data_type).map_err(|message| SqlError::at(at, message))?;
                let text = typed.value.clone().into_string().unwrap_or_default();
                let value = parse_value(&text, sql_type).map_err(|error| SqlError::at(at, error.to_string()))?;
                Ok((Expression::Literal(value), sql_type))
            }
            Expr::Interval(interval) => {
                let millis = interval_millis(interval, at)?;
                Ok((Expression::Literal(Value::Interval(millis)), SqlType::Interval))
            }
            Expr::UnaryOp { op, expr: inner } => {
                let (inner, sql_type) = self.compile(inner)?;
                match op {
                    UnaryOperator::Not => {
                        expect(sql_type == SqlType::Boolean || sql_type == SqlType::Null, at, "NOT needs a BOOLEAN")?;
                        Ok((Expression::Not(Box::new(inner)), SqlType::Boolean))
                    }
                    UnaryOperator::Minus if sql_type.is_numeric() || sql_type == SqlType::Interval => {
                        Ok((Expression::Negate(Box::new(inner)), sql_type))
                    }
                    UnaryOperator::Plus if sql_type.is_numeric() => Ok((inner, sql_type)),
                    other => Err(SqlError::at(at, format!("{other} does not go with {sql_type}"))),
                }
            }
            Expr::BinaryOp { left, op, right } => self.binary(left, op, right, at),
            Expr::IsNull(inner) => Ok((Expression::IsNull(Box::new(self.compile(inner)?.0)), SqlType::Boolean)),
            Expr::IsNotNull(inner) => {
                let inner = Expression::IsNull(Box::new(self.compile(inner)?.0));
                Ok((Expression::Not(Box::new(inner)), SqlType::Boolean))
            }
            Expr::IsTrue(inner) => self.truth(inner, true, false),
            Expr::IsNotTrue(inner) => self.truth(inner, true, true),
            Expr::IsFalse(inner) => self.truth(inner, false, false),
            Expr::IsNotFalse(inner) => self.truth(inner, false, true),
            Expr::Between { expr: inner, negated, low, high } => {
                let (low, high) = (self.compile(low)?, self.compile(high)?);
                let value = self.compile(inner)?;
                let below = comparison(Comparison::GreaterOrEqual, value.clone(), low, at)?;
                let above = comparison(Comparison::LessOrEqual, value, high, at)?;
                Ok((negate_if(*negated, Expression::And(Box::new(below), Box::new(above))), SqlType::Boolean))
            }
            Expr::In { expr: inner, target: InTarget::List(list), negated, .. } => {
                let (value, sql_type) = self.compile(inner)?;
                let mut candidates = Vec::with_capacity(list.len());
                for candidate in list {
                    let (expression, candidate_type) = self.compile(candidate)?;
                    expect_match(sql_type, candidate_type, candidate.span().start)?;
                    candidates.push(expression);
                }
                Ok((negate_if(*negated, Expression::In(Box::new(value), candidates)), SqlType::Boolean))
            }
            Expr::Like { negated, any: false, expr: inner, pattern, escape_char } => {
                let inner = self.text(inner)?;
                let pattern_at = pattern.span().start;
                let pattern = self.text(pattern)?;
                if let Expression::Literal(Value::Text(text)) = &pattern.0 {
                    let fits = text.chars().count() <= MAX_PATTERN;
                    expect(fits, pattern_at, format!("a pattern of LIKE has at most {MAX_PATTERN} characters"))?;
                }
                let escape = match escape_char {
                    None => None,
                    Some(escape) => match self.compile(escape)?.0 {
                        Expression::Literal(Value::Text(text)) if text.chars().count() == 1 => text.chars().next(),
                        _ => return Err(SqlError::at(at, "ESCAPE needs one character, such as ESCAPE '\\'")),
                    },
                };
                let like = Expression::Like(Box::new(inner.0), Box::new(pattern.0), escape);
                Ok((negate_if(*negated, like), SqlType::Boolean))
            }
            Expr::Case { operand, conditions, else_result, .. } => {
                self.case(operand.as_deref(), conditions, else_result.as_deref())
            }
            Expr::Cast { kind: CastKind::Cast, expr: inner, data_type, format: None } => {
                let target = SqlType::from_ast(data_type).map_err(|message| SqlError::at(at, message))?;
                let (inner, sql_type) = self.compile(inner)?;
                let possible = sql_type == SqlType::Null
                    || sql_type.is_text()
                    || (target.is_text() && sql_type != SqlType::Interval)
                    || sql_type.matches(target);
                expect(possible, at, format!("{sql_type} cannot be CAST to {target}"))?;
                Ok((Expression::Cast(Box::new(inner), target), target))
            }
            Expr::Floor { expr: inner, field } => match field {
                CeilFloorKind::DateTimeField(DateTimeField::NoDateTime) => self.numeric(Function::Floor, inner),
                CeilFloorKind::DateTimeField(field) => {
                    let size = unit(field).ok_or_else(|| {
                        SqlError::at(at, format!("FLOOR goes TO SECOND, MINUTE, HOUR or DAY here, not to {field}"))
                    })?;
                    self.step(inner, size)
                }
                CeilFloorKind::Scale(_) => Err(SqlError::at(at, "FLOOR with a scale is not offered")),
            },
            Expr::Ceil { expr: inner, field: CeilFloorKind::DateTimeField(DateTimeField::NoDateTime) } => {
                self.numeric(Function::Ceil, inner)
            }
            Expr::Substring { expr: inner, substring_from: Some(from), substring_for, .. } => {
                let mut arguments = vec![(**inner).clone(), (**from).clone()];
                arguments.extend(substring_for.as_deref().cloned());
                self.call("SUBSTRING", &arguments, at)
            }
            Expr::Trim { trim_where, trim_what, expr: inner, trim_characters: None } => {
                let side = match trim_where {
                    None | Some(TrimWhereField::Both) => Side::Both,
                    Some(TrimWhereField::Leading) => Side::Leading,
                    Some(TrimWhereField::Trailing) => Side::Trailing,
                };
                let what = match trim_what {
                    Some(what) => self.text(what)?.0,
                    None => Expression::Literal(Value::text(" ")),
                };
                let (inner, sql_type) = self.text(inner)?;
                Ok((Expression::Call(Function::Trim(side), vec![what, inner]), sql_type))
            }
            Expr::Position { expr: what, r#in } => {
                let arguments = vec![self.text(what)?.0, self.text(r#in)?.0];
                Ok((Expression::Call(Function::Position, arguments), SqlType::Integer))
            }
            Expr::Extract { field, expr: inner, .. } => {
                let field = match field {
                    DateTimeField::Year => Field::Year,
                    DateTimeField::Month => Field::Month,
                    DateTimeField::Day => Field::Day,
                    DateTimeField::Hour => Field::Hour,
                    DateTimeField::Minute => Field::Minute,
                    DateTimeField::Second => Field::Second,
                    other => return Err(SqlError::at(at, format!("EXTRACT({other} FROM ...) is not offered"))),
                };
                let (inner, sql_type) = self.compile(inner)?;
                expect(
                    matches!(sql_type, SqlType::Timestamp | SqlType::Date),
                    at,
                    "EXTRACT needs a TIMESTAMP or DATE",
                )?;
                Ok((Expression::Call(Function::Extract(field), vec![inner]), SqlType::BigInt))
            }
            Expr::Function(function) => self.function(function, at),
            other => Err(SqlError::at(at, format!("the sandbox's SQL does not offer {}", shorten(&other.to_string())))),
        }
    }

    fn column(&self, ident: &Ident) -> Result<Typed, SqlError> {
        let name = identifier(ident);
        let columns = &self.relation.columns;
        if let Some(index) = columns.iter().position(|column| column.name == name) {
            return Ok((Expression::Column(index), columns[index].sql_type));
        }
        match name.as_str() {
            "ROWTIME" => return Ok((Expression::Rowtime, SqlType::Timestamp)),
            "APPROXIMATE_ARRIVAL_TIME" if self.relation.is_source => {
                return Ok((Expression::Arrival, SqlType::Timestamp));
            }
            "CURRENT_ROW_TIMESTAMP" if ident.quote_style.is_none() => {
                return Ok((Expression::Rowtime, SqlType::Timestamp));
            }
            _ => {}
        }
        let stream = &self.relation.name;
        let near = columns.iter().find(|column| column.name.to_lowercase() == ident.value.to_lowercase());
        let message = match near {
            Some(column) if ident.quote_style.is_none() => format!(
                "{stream:?} has no column {name}; names without quotes mean upper case, so write \"{}\" in double quotes",
                column.name
            ),
            Some(column) => format!("{stream:?} has no column {name:?}, but one named {:?}", column.name),
            None if name == "APPROXIMATE_ARRIVAL_TIME" => {
                "APPROXIMATE_ARRIVAL_TIME is known for rows of a source stream only; carry it on in a column".to_owned()
            }
            None => {
                let names: Vec<String> = columns.iter().take(20).map(|column| format!("{:?}", column.name)).collect();
                format!("{stream:?} has no column {name:?}; it has {}", names.join(", "))
            }
        };
        Err(SqlError::at(ident.span.start, message))
    }

    fn binary(&mut self, left: &Expr, op: &BinaryOperator, right: &Expr, at: Location) -> Result<Typed, SqlError> {
        let left = self.compile(left)?;
        let right = self.compile(right)?;
        let boolean = |sql_type| matches!(sql_type, SqlType::Boolean | SqlType::Null);
        let operator = match op {
            BinaryOperator::And | BinaryOperator::Or => {
                expect(boolean(left.1) && boolean(right.1), at, format!("{op} needs a BOOLEAN on both sides"))?;
                let (left, right) = (Box::new(left.0), Box::new(right.0));
                let both =
                    if *op == BinaryOperator::And { Expression::And(left, right) } else { Expression::Or(left, right) };
                return Ok((both, SqlType::Boolean));
            }
            BinaryOperator::Eq => return compared(Comparison::Equal, left, right, at),
            BinaryOperator::NotEq => return compared(Comparison::NotEqual, left, right, at),
            BinaryOperator::Lt => return compared(Comparison::Less, left, right, at),
            BinaryOperator::LtEq => return compared(Comparison::LessOrEqual, left, right, at),
            BinaryOperator::Gt => return compared(Comparison::Greater, left, right, at),
            BinaryOperator::GtEq => return compared(Comparison::GreaterOrEqual, left, right, at),
            BinaryOperator::StringConcat => {
                let text = |sql_type: SqlType| sql_type.is_text() || sql_type == SqlType::Null;
                expect(text(left.1) && text(right.1), at, "|| joins texts; CAST other values to VARCHAR(n) first")?;
                let sql_type = Function::Concat.result_type(&[]);
                return Ok((Expression::Call(Function::Concat, vec![left.0, right.0]), sql_type));
            }
            BinaryOperator::Plus => Operator::Add,
            BinaryOperator::Minus => Operator::Subtract,
            BinaryOperator::Multiply => Operator::Multiply,
            BinaryOperator::Divide => Operator::Divide,
            BinaryOperator::Modulo => Operator::Modulo,
            other => return Err(SqlError::at(at, format!("the sandbox's SQL does not offer the operator {other}"))),
        };
        let moment = |sql_type| matches!(sql_type, SqlType::Timestamp | SqlType::Date);
        let sql_type = match (left.1, right.1, operator) {
            (left, right, _) if left.is_numeric() && right.is_numeric() => match left.common(right) {
                integer if integer.is_integer() => SqlType::BigInt,
                SqlType::Decimal { .. } => {
                    SqlType::Decimal { precision: 18, scale: decimal_scale(left, right, operator) }
                }
                _ => SqlType::Double,
            },
            (left, SqlType::Interval, Operator::Add | Operator::Subtract) if moment(left) => SqlType::Timestamp,
            (SqlType::Interval, right, Operator::Add) if moment(right) => SqlType::Timestamp,
            (SqlType::Interval, SqlType::Interval, Operator::Add | Operator::Subtract) => SqlType::Interval,
            (SqlType::Interval, right, Operator::Multiply | Operator::Divide) if right.is_integer() => {
                SqlType::Interval
            }
            (left, SqlType::Interval, Operator::Multiply) if left.is_integer() => SqlType::Interval,
            (SqlType::Null, other, _) | (other, SqlType::Null, _) if other.is_numeric() || other == SqlType::Null => {
                other
            }
            (left, right, operator) => {
                let message = format!("{left} {} {right} is not defined; CAST one side", operator.symbol());
                return Err(SqlError::at(at, message));
            }
        };
        Ok((Expression::Arithmetic(operator, Box::new(left.0), Box::new(right.0)), sql_type))
    }

    fn truth(&mut self, inner: &Expr, wanted: bool, negated: bool) -> Result<Typed, SqlError> {
        let at = inner.span().start;
        let (inner, sql_type) = self.compile(inner)?;
        expect(matches!(sql_type, SqlType::Boolean | SqlType::Null), at, "IS TRUE and IS FALSE need a BOOLEAN")?;
        Ok((negate_if(negated, Expression::Is(wanted, Box::new(inner))), SqlType::Boolean))
    }

    fn case(
        &mut self,
        operand: Option<&Expr>,
        conditions: &[CaseWhen],
        otherwise: Option<&Expr>,
    ) -> Result<Typed, SqlError> {
        let operand = operand.map(|operand| self.compile(operand)).transpose()?;
        let mut branches = Vec::with_capacity(conditions.len());
        let mut sql_type = SqlType::Null;
        for branch in conditions {
            let at = branch.condition.span().start;
            let condition = self.compile(&branch.condition)?;
            let condition = match &operand {
                Some(operand) => comparison(Comparison::Equal, operand.clone(), condition, at)?,
                None => {
                    let boolean = matches!(condition.1, SqlType::Boolean | SqlType::Null);
                    expect(boolean, at, "WHEN needs a condition, a BOOLEAN")?;
                    condition.0
                }
            };
            let (result, result_type) = self.compile(&branch.result)?;
            expect_match(sql_type, result_type, branch.result.span().start)?;
            sql_type = sql_type.common(result_type);
            branches.push((condition, result, result_type));
        }
        let otherwise = match otherwise {
            None => None,
            Some(expr) => {
                let (result, result_type) = self.compile(expr)?;
                expect_match(sql_type, result_type, expr.span().start)?;
                sql_type = sql_type.common(result_type);
                Some((result, result_type))
            }
        };
        let branches = branches
            .into_iter()
            .map(|(condition, result, from)| (condition, converted(result, from, sql_type)))
            .collect();
        let otherwise = otherwise.map(|(result, from)| Box::new(converted(result, from, sql_type)));
        Ok((Expression::Case(branches, otherwise), sql_type))
    }

    fn text(&mut self, expr: &Expr) -> Result<Typed, SqlError> {
        let typed = self.compile(expr)?;
        let at = expr.span().start;
        let is_text = typed.1.is_text() || typed.1 == SqlType::Null;
        expect(is_text, at, format!("a text is needed here, not {}; CAST it to VARCHAR(n)", typed.1))?;
        Ok(typed)
    }

    fn numeric(&mut self, function: Function, inner: &Expr) -> Result<Typed, SqlError> {
        let at = inner.span().start;
        let (inner, sql_type) = self.compile(inner)?;
        expect(sql_type.is_numeric(), at, "a number is needed here; a time is rounded by FLOOR(time TO unit)")?;
        Ok((Expression::Call(function, vec![inner]), function.result_type(&[sql_type])))
    }

    fn step(&mut self, time: &Expr, size: i64) -> Result<Typed, SqlError> {
        let at = time.span().start;
        let (inner, sql_type) = self.compile(time)?;
        expect(
            matches!(sql_type, SqlType::Timestamp | SqlType::Date),
            at,
            format!("a TIMESTAMP is needed here, not {sql_type}"),
        )?;
        Ok((Expression::Step(Box::new(inner), size), SqlType::Timestamp))
    }

    fn function(&mut self, function: &sqlparser::ast::Function, at: Location) -> Result<Typed, SqlError> {
        let name = match function.name.0.as_slice() {
            [part] => part.as_ident().map(identifier),
            _ => None,
        };
        let Some(name) = name else {
            return Err(SqlError::at(at, format!("there is no function {}", function.name)));
        };
        if function.over.is_some() {
            let message =
                format!("{name}(...) OVER, a sliding window, is not offered; GROUP BY STEP(ROWTIME BY ...) is");
            return Err(SqlError::at(at, message));
        }
        if function.filter.is_some() || !function.within_group.is_empty() || function.null_treatment.is_some() {
            return Err(SqlError::at(at, format!("{name} takes no FILTER, WITHIN GROUP or NULLS clause here")));
        }
        let arguments = match &function.args {
            FunctionArguments::List(list) => list.args.as_slice(),
            FunctionArguments::None | FunctionArguments::Subquery(_) => &[],
        };
        if let ([], Some(now)) = (arguments, now(&name)) {
            return now.map_err(|message| SqlError::at(at, message));
        }
        let FunctionArguments::List(list) = &function.args else {
            return Err(SqlError::at(at, format!("{name} needs its arguments in parentheses")));
        };
        if !list.clauses.is_empty() {
            return Err(SqlError::at(at, format!("{name} takes plain arguments only")));
        }
        let distinct = list.duplicate_treatment == Some(DuplicateTreatment::Distinct);
        let kind = match name.as_str() {
            "COUNT" => Some(AggregateKind::Count),
            "SUM" => Some(AggregateKind::Sum),
            "AVG" => Some(AggregateKind::Average),
            "MIN" => Some(AggregateKind::Minimum),
            "MAX" => Some(AggregateKind::Maximum),
            _ => None,
        };
        if let Some(kind) = kind {
            return self.aggregate(kind, &list.args, distinct, at);
        }
        expect(!distinct, at, format!("{name} takes no DISTINCT"))?;
        let mut arguments = Vec::with_capacity(list.args.len());
        for argument in &list.args {
            match argument {
                FunctionArg::Unnamed(FunctionArgExpr::Expr(expr)) => arguments.push(expr.clone()),
                other => return Err(SqlError::at(at, format!("{name} does not take {other}"))),
            }
        }
        self.call(&name, &arguments, at)
    }

    fn call(&mut self, name: &str, arguments: &[Expr], at: Location) -> Result<Typed, SqlError> {
        if name == "STEP" {
            let [time, interval] = arguments else {
                return Err(SqlError::at(at, "write STEP(time BY INTERVAL '60' SECOND)"));
            };
            return match self.compile(interval)?.0 {
                Expression::Literal(Value::Interval(size)) if size > 0 => self.step(time, size),
                _ => Err(SqlError::at(
                    interval.span().start,
                    "STEP needs an interval above zero, such as INTERVAL '60' SECOND",
                )),
            };
        }
        let mut compiled = Vec::with_capacity(arguments.len());
        let mut types = Vec::with_capacity(arguments.len());
        for argument in arguments {
            let (expression, sql_type) = self.compile(argument)?;
            compiled.push(expression);
            types.push(sql_type);
        }
        let function = match name {
            "COALESCE" | "NULLIF" => {
                let enough = if name == "NULLIF" { types.len() == 2 } else { types.len() >= 2 };
                expect(enough, at, format!("{name} needs two arguments"))?;
                for (argument, sql_type) in arguments.iter().zip(&types) {
                    expect_match(types[0], *sql_type, argument.span().start)?;
                }
                if name == "NULLIF" { Function::NullIf } else { Function::Coalesce }
            }
            _ => {
                let Some((function, parameters, optional)) = Function::named(name) else {
                    return Err(SqlError::at(at, unknown_function(name)));
                };
                let count = parameters.len() - optional..=parameters.len();
                expect(count.contains(&types.len()), at, format!("{name} takes {} arguments", parameters.len()))?;
                for ((parameter, sql_type), argument) in parameters.iter().zip(&types).zip(arguments) {
                    let fits = *sql_type == SqlType::Null
                        || match parameter {
                            Parameter::Text => sql_type.is_text(),
                            Parameter::Number => sql_type.is_numeric(),
                            Parameter::Integer => sql_type.is_integer(),
                        };
                    let message = format!("{name} does not take a {sql_type} here; CAST it");
                    expect(fits, argument.span().start, message)?;
                }
                function
            }
        };
        let result_type = function.result_type(&types);
        if function == Function::Coalesce {
            let arguments =
                compiled.into_iter().zip(&types).map(|(argument, from)| converted(argument, *from, result_type));
            return Ok((Expression::Call(function, arguments.collect()), result_type));
        }
        Ok((Expression::Call(function, compiled), result_type))
    }

    fn aggregate(
        &mut self,
        kind: AggregateKind,
        arguments: &[FunctionArg],
        distinct: bool,
        at: Location,
    ) -> Result<Typed, SqlError> {
        let Some(found) = self.aggregates.take() else {
            let message = format!(
                "{} cannot stand here: it belongs to the select list or HAVING of a query with GROUP BY",
                kind.name()
            );
            return Err(SqlError::at(at, message));
        };
        let (argument, sql_type) = match arguments {
            [FunctionArg::Unnamed(FunctionArgExpr::Wildcard)] if kind == AggregateKind::Count && !distinct => {
                (None, SqlType::BigInt)
            }
            // aggregates stay `None` meanwhile, so that one cannot stand within another
            [FunctionArg::Unnamed(FunctionArgExpr::Expr(expr))] => {
                let (argument, sql_type) = self.compile(expr)?;
                (Some(argument), sql_type)
            }
            _ => return Err(SqlError::at(at, format!("{} takes one argument", kind.name()))),
        };
        let result = match kind {
            AggregateKind::Count => SqlType::BigInt,
            AggregateKind::Sum | AggregateKind::Average => match sql_type {
                integer if integer.is_integer() => SqlType::BigInt,
                SqlType::Decimal { scale, .. } => SqlType::Decimal { precision: 18, scale },
                SqlType::Real | SqlType::Double => SqlType::Double,
                other => return Err(SqlError::at(at, format!("{} needs numbers, not {other}", kind.name()))),
            },
            AggregateKind::Minimum | AggregateKind::Maximum => sql_type,
        };
        let call = AggregateCall { kind, argument, distinct };
        let mut found = found;
        let index = found.iter().position(|other| *other == call).unwrap_or_else(|| {
            found.push(call);
            found.len() - 1
        });
        self.aggregates = Some(found);
        Ok((Expression::Aggregate(index), result))
    }
}

fn decimal_scale(left: SqlType, right: SqlType, operator: Operator) -> u8 {
    let scale = |sql_type| if let SqlType::Decimal { scale, .. } = sql_type { scale } else { 0 };
    let (left, right) = (scale(left), scale(right));
    match operator {
        Operator::Multiply => (left + right).min(18),
        Operator::Divide => left.max(right).max(6),
        _ => left.max(right),
    }
}

fn expect(holds: bool, at: Location, message: impl Into<String>) -> Result<(), SqlError> {
    if holds { Ok(()) } else { Err(SqlError::at(at, message)) }
}

fn expect_match(left: SqlType, right: SqlType, at: Location) -> Result<(), SqlError> {
    expect(left.matches(right), at, format!("{left} and {right} do not go together; CAST one of them"))
}

fn comparison(comparison: Comparison, left: Typed, right: Typed, at: Location) -> Result<Expression, SqlError> {
    expect_match(left.1, right.1, at)?;
    Ok(Expression::Compare(comparison, Box::new(left.0), Box::new(right.0)))
}

fn compared(kind: Comparison, left: Typed, right: Typed, at: Location) -> Result<Typed, SqlError> {
    Ok((comparison(kind, left, right, at)?, SqlType::Boolean))
}

/// Numbers that one of several expressions gives must all be of one type, or sums over them would mix types.
fn converted(expression: Expression, from: SqlType, to: SqlType) -> Expression {
    if from != to && from.is_numeric() { Expression::Cast(Box::new(expression), to) } else { expression }
}

fn negate_if(negated: bool, expression: Expression) -> Expression {
    if negated { Expression::Not(Box::new(expression)) } else { expression }
}

/// The functions that tell the time. It is the row's own, so that a replay after a restart tells the same.
fn now(name: &str) -> Option<Result<Typed, String>> {
    Some(match name {
        "CURRENT_TIMESTAMP" | "LOCALTIMESTAMP" => Ok((Expression::Rowtime, SqlType::Timestamp)),
        "CURRENT_DATE" => Ok((Expression::Cast(Box::new(Expression::Rowtime), SqlType::Date), SqlType::Date)),
        "CURRENT_TIME" | "LOCALTIME" => {
            Err(format!("{name} is not offered, because there is no type TIME; CURRENT_TIMESTAMP is"))
        }
        _ => return None,
    })
}

fn unknown_function(name: &str) -> String {
    format!("the sandbox's SQL has no function {name}")
}

fn shorten(text: &str) -> String {
    if text.chars().count() > 60 {
        format!("{}...", text.chars().take(60).collect::<String>())
    } else {
        text.to_owned()
    }
}

fn literal(value: &AstValue) -> Result<Typed, String> {
    let (value, sql_type) = match value {
        AstValue::Null => (Value::Null, SqlType::Null),
        AstValue::Boolean(value) => (Value::Boolean(*value), SqlType::Boolean),
        AstValue::SingleQuotedString(text) => {
            (Value::text(text), SqlType::Varchar(text.chars().count().clamp(1, 65_535) as u32))
        }
        AstValue::Number(number, false) => {
            let sql_type = if number.contains(['e', 'E']) {
                SqlType::Double
            } else if let Some((_, fraction)) = number.split_once('.') {
                SqlType::Decimal { precision: 18, scale: fraction.len().min(18) as u8 }
            } else if number.parse::<i32>().is_ok() {
                SqlType::Integer
            } else {
                SqlType::BigInt
            };
            (parse_value(number, sql_type).map_err(|error| error.to_string())?, sql_type)
        }
        other => return Err(format!("the sandbox's SQL does not offer the literal {other}")),
    };
    Ok((Expression::Literal(value), sql_type))
}

fn unit(field: &DateTimeField) -> Option<i64> {
    match field {
        DateTimeField::Second => Some(SECOND),
        DateTimeField::Minute => Some(MINUTE),
        DateTimeField::Hour => Some(HOUR),
        DateTimeField::Day => Some(DAY),
        _ => None,
    }
}

fn interval_millis(interval: &Interval, at: Location) -> Result<i64, SqlError> {
    let refused = |message: String| SqlError::at(at, message);
    let (Some(field), None) = (&interval.leading_field, &interval.last_field) else {
        return Err(refused("write an interval with one unit, such as INTERVAL '60' SECOND".to_owned()));
    };
    let Some(size) = unit(field) else {
        return Err(refused(format!("an interval is in SECOND, MINUTE, HOUR or DAY here, not {field}")));
    };
    let text = match &*interval.value {
        Expr::Value(value) => match &value.value {
            AstValue::SingleQuotedString(text) => text.trim(),
            _ => return Err(refused("the length of an interval is quoted: INTERVAL '60' SECOND".to_owned())),
        },
        _ => return Err(refused("the length of an interval is quoted: INTERVAL '60' SECOND".to_owned())),
    };
    let number = text
        .parse::<rust_decimal::Decimal>()
        .map_err(|_| refused(format!("{text:?} is not the length of an interval")))?;
    let whole = number.trunc().abs();
    let digits = if whole.is_zero() { 1 } else { whole.to_string().len() as u64 };
    let precision = interval.leading_precision.unwrap_or(2);
    if digits > precision {
        return Err(refused(format!(
            "the interval '{text}' has {digits} digits: write INTERVAL '{text}' {field}({digits})"
        )));
    }
    if !number.fract().is_zero() && *field != DateTimeField::Second {
        return Err(refused(format!("only seconds have a fraction, not {field}")));
    }
    let millis = number.checked_mul(rust_decimal::Decimal::from(size)).map(|millis| millis.trunc());
    millis
        .and_then(|millis| i64::try_from(millis).ok())
        .filter(|millis| millis.abs() <= 36_500 * DAY)
        .ok_or_else(|| refused("the interval is longer than a century".to_owned()))
}
