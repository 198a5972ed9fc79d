"""What the league remembers: tables, connections, migrations and typed queries.

Owns the schema and every statement that reads or writes it. Promises that a row implies a complete
fact (constraints refuse NaN, a second result, a gap), and that nothing outside this package sees an
ORM row: queries return frozen records. Importing it loads SQLAlchemy only, so that reports start
at once.
"""
