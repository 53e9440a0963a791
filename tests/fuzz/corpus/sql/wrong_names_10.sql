-- wrapper far from all
CREATE SERVER s FOREIGN DATA WRAPPER oracle;
