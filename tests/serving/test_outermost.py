from growthbench.serving.entrance import Entrance


def test_our_entrance_is_around_all_of_bentomls_application(door_app):
    from growthbench.serving.desk import Desk
    from growthbench.serving.door import Door

    assert isinstance(door_app, Entrance)
    assert isinstance(Desk.to_asgi(), Entrance)
    assert (Door.name, Desk.name) == ("growthbench", "growthbench-desk")
