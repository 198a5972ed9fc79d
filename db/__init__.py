"""The league's database: tables, connections, migrations and typed queries.

Owns the schema and every statement that reads or writes it. Promises: a row is a complete fact
(constraints refuse NaN, a second result, a gap), and nothing outside this package gets an ORM row:
queries return frozen records. Importing it loads only SQLAlchemy, so that reports start quickly.
"""
