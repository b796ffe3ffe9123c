"""Which SQL the service may use on a server: what PostgreSQL, CockroachDB and YugabyteDB all understand.

A construct is allowed by standing in the lists below; whatever does not is refused. They were written from
the manuals of CockroachDB 24 and YugabyteDB 2024, neither of which can be run by these tests.
"""

import re
from collections.abc import Iterator

import sqlglot
from sqlglot import exp

STATEMENTS = (
    exp.Select,
    exp.Insert,
    exp.Update,
    exp.Delete,
    exp.Create,
    exp.Commit,
    exp.Rollback,
)

CLAUSES = (
    exp.From, exp.Join, exp.Where, exp.Order, exp.Ordered, exp.Limit, exp.Group, exp.Having, exp.With,
    exp.CTE, exp.Returning, exp.OnConflict, exp.Values, exp.Tuple, exp.Lock, exp.Alias, exp.TableAlias,
    exp.Subquery, exp.Schema, exp.Table, exp.Column, exp.Identifier, exp.Star, exp.Var,
    exp.Union, exp.Offset, exp.Filter,
)  # fmt: skip

EXPRESSIONS = (
    exp.Literal, exp.Null, exp.Boolean, exp.Placeholder, exp.Parameter, exp.Cast, exp.DataType,
    exp.DataTypeParam, exp.And, exp.Or, exp.Not, exp.Paren, exp.EQ, exp.NEQ, exp.LT, exp.LTE, exp.GT,
    exp.GTE, exp.Is, exp.In, exp.Add, exp.Sub, exp.Mul, exp.Neg, exp.Case, exp.If, exp.Between, exp.DPipe,
    exp.Concat, exp.Exists, exp.Any, exp.Array, exp.BitwiseRightShift, exp.BitwiseAnd,
)  # fmt: skip

DEFINITIONS = (
    exp.ColumnDef, exp.ColumnConstraint, exp.NotNullColumnConstraint, exp.PrimaryKeyColumnConstraint,
    exp.GeneratedAsIdentityColumnConstraint, exp.UniqueColumnConstraint, exp.CheckColumnConstraint,
    exp.PrimaryKey, exp.ForeignKey, exp.Reference, exp.Constraint, exp.Index, exp.IndexParameters,
    exp.SequenceProperties, exp.Properties, exp.Property, exp.DefaultColumnConstraint,
)  # fmt: skip

FUNCTIONS = {
    "coalesce", "sum", "count", "min", "substr", "substring", "nextval", "unnest", "generate_series",
    "current_schema", "current_setting", "length", "lower", "max", "setval", "pg_get_serial_sequence",
    "extract", "clock_timestamp", "array_agg", "replace", "current_database", "pg_backend_pid",
}  # fmt: skip

TYPES = {
    exp.DataType.Type.BIGINT,
    exp.DataType.Type.INT,
    exp.DataType.Type.TEXT,
    exp.DataType.Type.VARCHAR,
    exp.DataType.Type.BOOLEAN,
    exp.DataType.Type.VARBINARY,
    exp.DataType.Type.ARRAY,
    exp.DataType.Type.DOUBLE,
}

TABLES_OF_THE_SYSTEM = {"information_schema", "pg_stat_activity"}
"""CockroachDB has the latter for the sake of others, without rows."""
STORAGE_PARAMETERS = {"fillfactor"}
HIDDEN_COLUMNS = {"ctid", "xmin", "xmax", "cmin", "cmax", "tableoid"}


BEGINNING = re.compile("BEGIN ISOLATION LEVEL (READ COMMITTED|REPEATABLE READ|SERIALIZABLE)(, READ ONLY)?")
"""CockroachDB takes a stricter level where it has not got the one that is asked for."""


def refusals(statement: str) -> list[str]:
    """What in a statement is not common to all; nothing if it may be used."""
    if BEGINNING.fullmatch(statement):
        return []
    try:
        trees = sqlglot.parse(statement.replace("?", "NULL"), read="postgres")
    except sqlglot.errors.ParseError as error:
        return [f"it can not be read: {error}"]
    if len(trees) != 1 or trees[0] is None:
        return ["it must be one statement"]
    tree = trees[0]
    if not isinstance(tree, STATEMENTS):
        return [f"a statement of the kind {tree.key.upper()}"]
    return [refusal for node in tree.walk() for refusal in _refusals_of(node)]


def _is_common(table: exp.Table) -> bool:
    return table.name.lower() in TABLES_OF_THE_SYSTEM


def _refusals_of(node: exp.Expr) -> Iterator[str]:
    match node:
        case exp.Anonymous() | exp.Func() if not isinstance(node, EXPRESSIONS):
            name = (node.name if isinstance(node, exp.Anonymous) else node.sql_name()).lower()
            if name not in FUNCTIONS and type(node).__name__.lower() not in {"explodinggenerateseries"}:
                yield f"the function {name}"
        # Databases do not agree about what a division makes of two integers.
        case exp.Div() if all(_is_double(one) for one in (node.left, node.right)):
            pass
        case exp.DataType():
            if node.this not in TYPES:
                yield f"the type {node.sql('postgres')}"
        case exp.Column() | exp.Identifier() if node.name.lower() in HIDDEN_COLUMNS:
            yield f"the hidden column {node.name}"
        case exp.Table() if node.db and node.db.lower() not in TABLES_OF_THE_SYSTEM:
            yield f"the table {node.sql('postgres')} of the system"
        case exp.Table() if node.name.lower().startswith("pg_") and not _is_common(node):
            yield f"the table {node.name} of the system"
        case exp.IndexParameters() if node.args.get("using") is not None:
            yield f"an index of the kind {node.args['using']}"
        case exp.Property() if node.name.lower() not in STORAGE_PARAMETERS:
            yield f"the property {node.sql('postgres')}"
        case _ if not isinstance(node, (*STATEMENTS, *CLAUSES, *EXPRESSIONS, *DEFINITIONS)):
            yield f"a construct of the kind {type(node).__name__}: {node.sql('postgres')}"


def _is_double(node: exp.Expr) -> bool:
    return isinstance(node, exp.Cast) and node.to.this is exp.DataType.Type.DOUBLE
