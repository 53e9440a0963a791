-- two columns of one name in a view
CREATE VIEW v AS SELECT id, user_id AS id FROM events;
