-- time zone
SET timezone = 'Asia/Calcuta';
