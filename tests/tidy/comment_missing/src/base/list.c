extern int mr_list;
