-- copy into an unknown table
COPY user FROM 'x.csv';
COPY usrs FROM 'x.csv';
