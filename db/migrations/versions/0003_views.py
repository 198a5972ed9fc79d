"""Views for people with a database browser: standings, results of seats, who beats whom.

They store nothing. A later migration that copies a table (Alembic's batch mode on SQLite) must
drop them first and make them again: SQLite refuses to rename a table while a view names one that is
gone.
"""

from alembic import op

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None

STANDINGS = """
CREATE VIEW standings AS
WITH newest AS (
    SELECT member_id, max(seq) AS seq
    FROM ratings
    WHERE rules_sha256 = (SELECT rules_sha256 FROM ratings ORDER BY seq DESC LIMIT 1)
    GROUP BY member_id
),
played AS (
    SELECT seats.member_id, count(*) AS matches,
        sum(CASE WHEN seats.placement = 1 THEN 1 ELSE 0 END) AS wins,
        avg(CAST(seats.placement AS DOUBLE PRECISION)) AS mean_place
    FROM seats
    JOIN matches ON matches.id = seats.match_id
    WHERE seats.rated AND matches.purpose = 'rating' AND matches.status = 'finished'
        AND matches.rules_sha256 = (SELECT rules_sha256 FROM ratings ORDER BY seq DESC LIMIT 1)
    GROUP BY seats.member_id
),
scale AS (
    SELECT 25.0 - ratings.mu AS shift
    FROM newest
    JOIN ratings ON ratings.seq = newest.seq
    JOIN members ON members.id = newest.member_id
    WHERE members.agent_spec = 'scripted:tribe' AND members.role = 'anchor'
    ORDER BY members.id LIMIT 1
)
SELECT row_number() OVER (ORDER BY ratings.mu DESC, ratings.sigma, members.id) AS rank,
    members.name, members.family, members.role, members.status,
    ratings.mu + COALESCE((SELECT shift FROM scale), 0.0) AS mu,
    ratings.sigma,
    ratings.mu + COALESCE((SELECT shift FROM scale), 0.0) - 3.0 * ratings.sigma AS conservative,
    COALESCE(played.matches, 0) AS matches, COALESCE(played.wins, 0) AS wins, played.mean_place,
    members.trained_decisions AS decisions, members.id AS member_id
FROM newest
JOIN ratings ON ratings.seq = newest.seq
JOIN members ON members.id = newest.member_id
LEFT JOIN played ON played.member_id = newest.member_id
"""

RESULTS = """
CREATE VIEW results AS
SELECT matches.id AS match_id, matches.finished_at, matches.purpose, matches.map, matches.seed,
    matches.ticks, seats.seat, members.name AS member, members.family, seats.placement AS place,
    seats.tiles, seats.troops, seats.eliminated_tick, seats.illegal_actions, seats.rated,
    matches.replay_path, members.id AS member_id
FROM seats
JOIN matches ON matches.id = seats.match_id
JOIN members ON members.id = seats.member_id
WHERE matches.status = 'finished'
"""

PAYOFF = """
CREATE VIEW payoff AS
WITH rated AS (
    SELECT seats.match_id, seats.member_id, seats.placement
    FROM seats
    JOIN matches ON matches.id = seats.match_id
    WHERE seats.rated AND matches.purpose = 'rating' AND matches.status = 'finished'
        AND matches.rules_sha256 = (SELECT rules_sha256 FROM ratings ORDER BY seq DESC LIMIT 1)
),
pairs AS (
    SELECT mine.member_id, theirs.member_id AS opponent_id, count(*) AS matches,
        sum(CASE WHEN mine.placement < theirs.placement THEN 1.0
            WHEN mine.placement = theirs.placement THEN 0.5 ELSE 0.0 END) AS beats
    FROM rated AS mine
    JOIN rated AS theirs
        ON theirs.match_id = mine.match_id AND theirs.member_id <> mine.member_id
    GROUP BY mine.member_id, theirs.member_id
)
SELECT members.name AS member, opponents.name AS opponent, pairs.matches, pairs.beats,
    pairs.beats / pairs.matches AS beat_rate, pairs.member_id, pairs.opponent_id
FROM pairs
JOIN members ON members.id = pairs.member_id
JOIN members AS opponents ON opponents.id = pairs.opponent_id
"""


def upgrade() -> None:
    for view in (STANDINGS, RESULTS, PAYOFF):
        op.execute(view)
