-- join on with residue
INSERT INTO out SELECT e.id, u.segment, u.age FROM events e JOIN users u ON e.id = u.id AND u.age > e.n AND e.ok;
