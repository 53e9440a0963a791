-- variables, also inside literals
INSERT INTO out SELECT '${RUN_ID}' AS a, ${RUN_ID} AS b, '${MISSING:-none}' AS c, '${QUOTED}' AS d FROM events;  -- ${UNSET} in a comment is no variable
