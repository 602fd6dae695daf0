SELECT sequence, record, hash, leader_epoch, epoch, number, place, now, redeliveries
FROM position;
